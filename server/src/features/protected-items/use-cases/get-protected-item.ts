import type { Context } from '../../../platform/context.js';
import { authorize } from '../../access/authorize.js';
import type { ProtectedItem } from '../domain/protected-item.js';

/** Undefined when there is none; throws NotFound when the caller may not know of it. */
export async function getProtectedItem(ctx: Context, id: string): Promise<ProtectedItem | undefined> {
  return ctx.unitOfWork.run(async (stores) => {
    const item = await stores.protectedItems.get(id);
    if (item) await authorize(ctx, stores, 'item.read', { subscriptionId: item.subscriptionId, vaultId: item.vaultId });
    return item;
  });
}
