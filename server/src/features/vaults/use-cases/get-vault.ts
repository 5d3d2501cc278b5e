import type { Context } from '../../../platform/context.js';
import { authorize } from '../../access/authorize.js';
import type { Vault } from '../domain/vault.js';

/** Undefined when there is none; throws NotFound when the caller may not know of it. */
export async function getVault(ctx: Context, id: string): Promise<Vault | undefined> {
  return ctx.unitOfWork.run(async (stores) => {
    const vault = await stores.vaults.get(id);
    if (vault?.state !== 'READY') return undefined;
    await authorize(ctx, stores, 'vault.read', { subscriptionId: vault.subscriptionId, vaultId: vault.id });
    return vault;
  });
}
