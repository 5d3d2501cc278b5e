import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import { Refusal } from '../../access/refusal.js';
import type { Stores } from '../../stores.js';
import type { Agent } from '../domain/agent.js';

export const AGENT_REVOKED = { kind: 'Forbidden', code: 'AGENT_REVOKED', message: 'This agent was revoked.' } as const;

export function agentRevoked(): HoldfastError {
  return new HoldfastError(AGENT_REVOKED);
}

/** The agent that calls. A good certificate is not enough: throws Forbidden once it is revoked. */
export async function requireLiveAgent(
  ctx: Context,
  stores: Stores,
  action: 'connectAgent' | 'renewCertificate',
): Promise<Agent> {
  const agentId = callingAgent(ctx);
  const agent = await stores.agents.get(agentId);
  if (agent !== undefined && agent.revokedAt === undefined) return agent;
  throw new Refusal(AGENT_REVOKED, ctx, {
    action,
    target: { type: 'Agent', id: agentId },
    outcome: 'REFUSED',
    reason: agent ? 'AGENT_REVOKED' : 'AGENT_UNKNOWN',
  });
}

/** The id of the agent whose certificate opened the call. */
export function callingAgent(ctx: Context): string {
  if (ctx.principal.kind === 'agent') return ctx.principal.agentId;
  throw new HoldfastError({ kind: 'Forbidden', code: 'NOT_AN_AGENT', message: 'Only agents may do this.' });
}
