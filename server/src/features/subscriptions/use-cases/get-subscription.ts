import type { Context } from '../../../platform/context.js';
import { visibleScopes } from '../../access/authorize.js';
import type { Subscription } from '../ports.js';

/** Undefined when there is none, or the caller may read nothing in it. */
export async function getSubscription(ctx: Context, id: string): Promise<Subscription | undefined> {
  return ctx.unitOfWork.run(async (stores) => {
    const scopes = await visibleScopes(ctx, stores, 'subscription.read');
    const visible = scopes.some((scope) => scope.subscriptionId === undefined || scope.subscriptionId === id);
    return visible ? stores.subscriptions.get(id) : undefined;
  });
}
