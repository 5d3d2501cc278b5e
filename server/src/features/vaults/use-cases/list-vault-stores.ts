import type { Context } from '../../../platform/context.js';
import type { VaultStoreRef } from '../../../platform/gateway-client.js';
import { authorize } from '../../access/authorize.js';
import { SERVER } from '../../access/domain/scope.js';

/** Where the vaults lie that a gateway serves. */
export async function listVaultStores(ctx: Context): Promise<VaultStoreRef[]> {
  return ctx.unitOfWork.run(async (stores) => {
    await authorize(ctx, stores, 'vault.read', SERVER);
    return (await stores.vaults.allReady()).map((vault) => ({ vaultId: vault.id, storeUrl: vault.storeUrl }));
  });
}
