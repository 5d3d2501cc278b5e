import { HoldfastError } from '@holdfast/core/errors';
import { type BandwidthLimits, checkBandwidthLimits } from '@holdfast/core/policy';
import type { Context } from '../../../platform/context.js';
import { authorize } from '../../access/authorize.js';
import { noSuchThing } from '../../vaults/use-cases/require-vault.js';
import type { Agent } from '../domain/agent.js';

/**
 * The agent's limits from now on, in place of those before; a connected agent follows at once, with jobs under way too.
 * Throws Validation with the field's path, IllegalState for a revoked agent.
 */
export async function setAgentBandwidth(
  ctx: Context,
  input: { readonly agentId: string; readonly bandwidth: BandwidthLimits },
): Promise<Agent> {
  const { bandwidth } = input;
  checkBandwidthLimits(bandwidth);
  return ctx.unitOfWork.run(async (stores, transaction) => {
    const agent = await stores.agents.get(input.agentId);
    if (agent === undefined) throw noSuchThing();
    await authorize(ctx, stores, 'agent.configure', { subscriptionId: agent.subscriptionId });
    if (agent.revokedAt !== undefined) throw revoked();
    await stores.agents.setBandwidth(agent.id, bandwidth);
    await stores.audit.append(ctx, {
      action: 'setAgentBandwidth',
      target: { type: 'Agent', id: agent.id },
      outcome: 'SUCCEEDED',
    });
    transaction.afterCommit(() => {
      // Also to one whose Hello is being answered: what that answer was made from may be older.
      ctx.services.agents.connections.attached(agent.id)?.send({ kind: 'bandwidth', limits: bandwidth });
    });
    return { ...agent, bandwidth };
  });
}

function revoked(): HoldfastError {
  return new HoldfastError({
    kind: 'IllegalState',
    code: 'AGENT_REVOKED',
    message: 'This agent was revoked and transfers nothing any more.',
  });
}
