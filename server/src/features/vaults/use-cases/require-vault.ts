import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import { authorize } from '../../access/authorize.js';
import type { Permission } from '../../access/domain/permissions.js';
import type { Stores } from '../../stores.js';
import type { Vault } from '../domain/vault.js';

/** The vault, if the caller has the permission on it. Throws NotFound (also when the caller may not know of it) or Forbidden. */
export async function requireVault(ctx: Context, stores: Stores, permission: Permission, id: string): Promise<Vault> {
  const vault = await stores.vaults.get(id);
  if (vault?.state !== 'READY') throw noSuchThing();
  await authorize(ctx, stores, permission, { subscriptionId: vault.subscriptionId, vaultId: vault.id });
  return vault;
}

/** The same words as for a thing that is hidden, so that they tell nothing. */
export function noSuchThing(): HoldfastError {
  return new HoldfastError({
    kind: 'NotFound',
    code: 'NOT_FOUND',
    message: 'There is no such thing, or you may not see it.',
  });
}
