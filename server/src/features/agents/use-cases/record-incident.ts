import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import type { CountedIncident } from '../../../platform/incidents/incident.js';
import type { AuditTarget } from '../../audit/ports.js';

const REASON = /^[A-Z][A-Z0-9_]{0,63}$/;

/**
 * Writes what an agent tried, and a gateway or a door of this process refused or contained, into the audit log in the
 * agent's name. Throws Forbidden for anybody else, Validation for a reason that is no code.
 */
export async function recordIncident(ctx: Context, incident: CountedIncident): Promise<void> {
  const { principal } = ctx;
  if (principal.kind !== 'gateway' && principal.kind !== 'system')
    throw new HoldfastError({ kind: 'Forbidden', code: 'GATEWAYS_ONLY', message: 'Only a gateway may report this.' });
  const { agentId, kind, reason, count } = incident;
  if (!REASON.test(reason) || !Number.isSafeInteger(count) || count < 1)
    throw new HoldfastError({ kind: 'Validation', code: 'INCIDENT', message: 'An incident has a code and a count.' });
  await ctx.unitOfWork.run((stores) =>
    stores.audit.append(
      { principal: { kind: 'agent', agentId } },
      {
        action: kind,
        target: targetOf(incident),
        // A bad copy was taken in before it was found out; everything else was refused.
        outcome: kind === 'verifyCopy' ? 'FAILED' : 'REFUSED',
        reason,
        repeated: { count },
      },
    ),
  );
}

function targetOf({ agentId, vaultId, jobId }: CountedIncident): AuditTarget {
  if (jobId !== undefined) return { type: 'Job', id: jobId };
  return vaultId === undefined ? { type: 'Agent', id: agentId } : { type: 'Vault', id: vaultId };
}
