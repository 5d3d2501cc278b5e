import type { Context } from '../../../platform/context.js';
import { authorize } from '../../access/authorize.js';
import type { Agent } from '../domain/agent.js';

/** Undefined when there is none; throws NotFound when the caller may not know of it. */
export async function getAgent(ctx: Context, id: string): Promise<Agent | undefined> {
  return ctx.unitOfWork.run(async (stores) => {
    const agent = await stores.agents.get(id);
    if (agent !== undefined) await authorize(ctx, stores, 'agent.read', { subscriptionId: agent.subscriptionId });
    return agent;
  });
}
