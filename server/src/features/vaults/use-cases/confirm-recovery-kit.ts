import type { Context } from '../../../platform/context.js';
import type { Vault } from '../domain/vault.js';
import { requireVault } from './require-vault.js';

/** Someone says that the kit is stored away. The kit itself was never kept, so nothing can be checked. */
export async function confirmRecoveryKit(ctx: Context, input: { readonly vaultId: string }): Promise<Vault> {
  return ctx.unitOfWork.run(async (stores) => {
    const vault = await requireVault(ctx, stores, 'vault.manage', input.vaultId);
    if (vault.recoveryKitConfirmedAt !== undefined) return vault;
    const at = ctx.clock.now();
    await stores.vaults.confirmRecoveryKit(vault.id, at);
    await stores.audit.append(ctx, {
      action: 'confirmRecoveryKit',
      outcome: 'SUCCEEDED',
      target: { type: 'Vault', id: vault.id },
    });
    return { ...vault, recoveryKitConfirmedAt: at };
  });
}
