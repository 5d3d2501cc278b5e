import type { Context } from '../../../platform/context.js';
import type { Page, PageRequest } from '../../../platform/page.js';
import { visibleScopes } from '../../access/authorize.js';
import type { Subscription } from '../ports.js';

/** The subscriptions in which the caller may read anything, also if only in one vault. */
export async function listSubscriptions(ctx: Context, page: PageRequest): Promise<Page<Subscription>> {
  return ctx.unitOfWork.run(async (stores) =>
    stores.subscriptions.list(await visibleScopes(ctx, stores, 'subscription.read'), page),
  );
}
