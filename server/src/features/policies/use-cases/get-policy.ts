import type { Context } from '../../../platform/context.js';
import { authorize } from '../../access/authorize.js';
import type { Policy } from '../domain/policy.js';

/** Undefined when there is none; throws NotFound when the caller may not know of it. */
export async function getPolicy(ctx: Context, id: string): Promise<Policy | undefined> {
  return ctx.unitOfWork.run(async (stores) => {
    const policy = await stores.policies.get(id);
    if (policy) await authorize(ctx, stores, 'policy.read', { subscriptionId: policy.subscriptionId });
    return policy;
  });
}
