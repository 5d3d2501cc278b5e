import { HoldfastError, isHoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import { requireGateway } from '../../recovery-points/use-cases/require-gateway.js';
import type { Vault } from '../../vaults/domain/vault.js';
import type { DomainAccess, FrameVerdict } from '../../vaults/opening/frame-opening.js';
import { requireVault } from '../../vaults/use-cases/require-vault.js';
import { domainAccess } from '../../vaults/use-cases/vault-keys.js';
import type { AccessOf } from '../frame-verification.js';

/** Opens and re-hashes frames of a pack, so that a gateway may count their copies for others. Throws NotFound for an absent pack, Integrity for one that contradicts itself. */
export async function verifyFrames(
  ctx: Context,
  input: { readonly vaultId: string; readonly packId: string; readonly offsets: readonly number[] },
): Promise<FrameVerdict> {
  requireGateway(ctx);
  const vault = await ctx.unitOfWork.run((stores) => requireVault(ctx, stores, 'vault.read', input.vaultId));
  const { packId, offsets } = input;
  const verdict = await ctx.services.frameVerification.verifyFrames(
    { vaultId: vault.id, storeUrl: vault.storeUrl },
    packId,
    offsets,
    rememberAccess(ctx, vault),
  );
  if (verdict.bad.length > 0)
    ctx.log.warn({ vaultId: vault.id, packId, chunks: verdict.bad.length }, 'pack.bad-chunks');
  return verdict;
}

function rememberAccess(ctx: Context, vault: Vault): AccessOf {
  const known = new Map<string, Promise<DomainAccess>>();
  return (domainId) => {
    const remembered = known.get(domainId) ?? readAccess(ctx, vault, domainId);
    known.set(domainId, remembered);
    return remembered;
  };
}

async function readAccess(ctx: Context, vault: Vault, domainId: string): Promise<DomainAccess> {
  try {
    return await ctx.unitOfWork.run((stores) => domainAccess(ctx, stores, vault, domainId));
  } catch (error) {
    // The gateway took no pack of a domain that the vault did not have: the catalog was put back from an older copy, and may become a newer one again.
    if (isHoldfastError(error, 'NotFound'))
      throw noVerdict('DOMAIN_NOT_KNOWN', 'The catalog does not have the dedup domain of this pack.', error);
    // Integrity is what is said of frames.
    if (isHoldfastError(error, 'Integrity'))
      throw noVerdict('DOMAIN_KEYS_DAMAGED', "The catalog's keys of the dedup domain are damaged.", error);
    throw error;
  }
}

/** Control's own trouble, which says nothing of frames. */
function noVerdict(code: string, message: string, cause: HoldfastError): HoldfastError {
  return new HoldfastError({ kind: 'IllegalState', code, message, cause });
}
