import type { Context } from '../../../platform/context.js';
import type { Permission } from '../../access/domain/permissions.js';
import type { Stores } from '../../stores.js';
import type { Vault } from '../../vaults/domain/vault.js';
import { noSuchThing, requireVault } from '../../vaults/use-cases/require-vault.js';
import type { RecoveryPoint } from '../domain/recovery-point.js';

/** A point that can be restored, if the caller has the permission in its vault. Throws NotFound (also when the caller may not know of it) or Forbidden. */
export async function requirePoint(
  ctx: Context,
  stores: Stores,
  permission: Permission,
  id: string,
): Promise<{ point: RecoveryPoint; vault: Vault }> {
  const point = await stores.recoveryPoints.get(id);
  if (!point) throw noSuchThing();
  const vault = await requireVault(ctx, stores, permission, point.vaultId);
  if (point.state !== 'LIVE') throw noSuchThing();
  return { point, vault };
}
