import { asHoldfastError, type HoldfastError } from '@holdfast/core/errors';
import { isUuid, uuidFromBytes } from '@holdfast/core/ids';
import type { IncidentKind } from '../../platform/incidents/incident.js';
import type { GatewayCore } from '../gateway-core.js';

/** What a failed call of an agent was about, as far as its request says. */
export interface AgentCall {
  readonly kind: IncidentKind;
  readonly agentId: string;
  readonly sessionId?: Uint8Array;
  readonly jobId?: Uint8Array;
}

/** Reports a refusal that no honest agent brings about; others, such as a lost session, come with crashes. */
export function tellIncident(
  core: Pick<GatewayCore, 'incidents' | 'sessions'>,
  call: AgentCall,
  thrown: unknown,
): void {
  const { kind, agentId } = call;
  const error = asHoldfastError(thrown);
  const session = core.sessions.peek(idOf(call.sessionId));
  const stolen = session !== undefined && session.agentId !== agentId;
  const reason = stolen ? 'SESSION_OF_ANOTHER_AGENT' : reasonOf(error, kind);
  if (reason === undefined) return;
  const jobId = session?.job.jobId ?? idOf(call.jobId);
  core.incidents.report({
    kind,
    agentId,
    reason,
    ...(jobId !== undefined && { jobId }),
    ...(session !== undefined && { vaultId: session.vault.vaultId }),
  });
}

function reasonOf({ kind, code }: HoldfastError, call: IncidentKind): string | undefined {
  if (kind === 'Forbidden') return code;
  // A pack that is not what it says: TLS rules out an accident on the way. A damaged index is this host's own.
  const isLie = (kind === 'Integrity' && code !== 'INDEX_DAMAGED') || code === 'PACK_ID_TAKEN';
  if (call === 'uploadPack' && isLie) return code;
  return undefined;
}

function idOf(bytes: Uint8Array | undefined): string | undefined {
  if (bytes?.length !== 16) return undefined;
  const id = uuidFromBytes(bytes);
  return isUuid(id) ? id : undefined;
}
