import type { Context } from '../../../platform/context.js';
import { parseName } from '../../../platform/names.js';
import { authorize } from '../../access/authorize.js';
import { SERVER } from '../../access/domain/scope.js';
import type { Subscription } from '../ports.js';

export async function createSubscription(ctx: Context, input: { readonly name: string }): Promise<Subscription> {
  return ctx.unitOfWork.run(async (stores) => {
    await authorize(ctx, stores, 'subscription.create', SERVER);
    const subscription: Subscription = {
      id: ctx.newId(),
      name: parseName('A subscription', input.name),
      createdAt: ctx.clock.now(),
    };
    await stores.subscriptions.insert(subscription);
    await stores.audit.append(ctx, {
      action: 'createSubscription',
      outcome: 'SUCCEEDED',
      target: { type: 'Subscription', id: subscription.id },
    });
    return subscription;
  });
}
