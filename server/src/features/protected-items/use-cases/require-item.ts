import type { Context } from '../../../platform/context.js';
import { authorize } from '../../access/authorize.js';
import type { Permission } from '../../access/domain/permissions.js';
import type { Stores } from '../../stores.js';
import { noSuchThing } from '../../vaults/use-cases/require-vault.js';
import type { ProtectedItem } from '../domain/protected-item.js';

/** The item, if the caller has the permission in its vault. Throws NotFound (also when the caller may not know of it) or Forbidden. */
export async function requireItem(
  ctx: Context,
  stores: Stores,
  permission: Permission,
  id: string,
): Promise<ProtectedItem> {
  const item = await stores.protectedItems.get(id);
  if (!item) throw noSuchThing();
  await authorize(ctx, stores, permission, { subscriptionId: item.subscriptionId, vaultId: item.vaultId });
  return item;
}
