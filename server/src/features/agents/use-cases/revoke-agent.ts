import type { Context } from '../../../platform/context.js';
import { authorize } from '../../access/authorize.js';
import { appendToOutbox } from '../../jobs/use-cases/append-to-outbox.js';
import { failJobsOfAgent } from '../../jobs/use-cases/fail-jobs-of-agent.js';
import { noSuchThing } from '../../vaults/use-cases/require-vault.js';
import type { Agent } from '../domain/agent.js';
import { agentRevoked } from './require-live-agent.js';

/**
 * From the commit on, the agent's certificate is refused everywhere: its stream ends, its jobs fail, and the
 * gateway ends its sessions and voids what nobody has verified. There is no way back; enrol the host anew.
 */
export async function revokeAgent(ctx: Context, input: { readonly agentId: string }): Promise<Agent> {
  return ctx.unitOfWork.run(async (stores, transaction) => {
    const agent = await stores.agents.get(input.agentId);
    if (agent === undefined) throw noSuchThing();
    await authorize(ctx, stores, 'agent.revoke', { subscriptionId: agent.subscriptionId });
    const revokedAt = ctx.clock.now();
    if (!(await stores.agents.revoke(agent.id, revokedAt))) return agent;
    await failJobsOfAgent(ctx, stores, transaction, agent.id);
    await appendToOutbox(ctx, stores, transaction, 'VOID_AGENT', { agentId: agent.id });
    await stores.audit.append(ctx, {
      action: 'revokeAgent',
      target: { type: 'Agent', id: agent.id },
      outcome: 'SUCCEEDED',
    });
    transaction.afterCommit(() => ctx.services.agents.connections.end(agent.id, agentRevoked()));
    return { ...agent, revokedAt };
  });
}
