import { parseRecoveryKit } from '@holdfast/core/engine';
import { asHoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import { invalidInput } from '../../protected-items/domain/invalid-input.js';
import type { Vault } from '../domain/vault.js';
import { slotsOf } from '../vault-objects.js';
import { kitOpens, type VaultSlots } from '../vault-secrets.js';
import { requireVault } from './require-vault.js';
import { serverIdentity } from './server-identity.js';

/** Someone has the kit at hand, from where it is stored: it has to be the one that opens this vault. It is not kept. Throws Validation. */
export async function confirmRecoveryKit(
  ctx: Context,
  input: { readonly vaultId: string; readonly recoveryKit: string },
): Promise<Vault> {
  return ctx.unitOfWork.run(async (stores) => {
    const vault = await requireVault(ctx, stores, 'vault.manage', input.vaultId);
    const { signingPublicKey } = await serverIdentity(stores);
    requireKit(slotsOf(vault, signingPublicKey), input.recoveryKit);
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

function requireKit(vault: VaultSlots, text: string): void {
  if (!kitOpens(vault, parse(text)))
    throw invalidInput('recoveryKit', 'KIT_OF_ANOTHER_VAULT', 'This recovery kit does not open this vault.');
}

function parse(text: string): Buffer {
  try {
    return parseRecoveryKit(text);
  } catch (error) {
    const { code, message } = asHoldfastError(error);
    throw invalidInput('recoveryKit', code, message);
  }
}
