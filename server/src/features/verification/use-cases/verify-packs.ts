import { isHoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import { requireGateway } from '../../recovery-points/use-cases/require-gateway.js';
import type { Vault } from '../../vaults/domain/vault.js';
import type { DomainAccess } from '../../vaults/opening/frame-opening.js';
import { requireVault } from '../../vaults/use-cases/require-vault.js';
import { domainAccess } from '../../vaults/use-cases/vault-keys.js';
import type { AccessOf } from '../pack-verification.js';

export interface PackVerdict {
  readonly packId: string;
  /** Ids of the chunks whose content is what the id says, and of those that are not. */
  readonly good: readonly Buffer[];
  readonly bad: readonly Buffer[];
}

const IN_FLIGHT = 3;

/** Opens and re-hashes packs, so that a gateway may count their copies for others. A pack that is not there, or whose footer is damaged, gets no verdict. */
export async function verifyPacks(
  ctx: Context,
  input: { readonly vaultId: string; readonly packIds: readonly string[] },
): Promise<PackVerdict[]> {
  requireGateway(ctx);
  const vault = await ctx.unitOfWork.run((stores) => requireVault(ctx, stores, 'vault.read', input.vaultId));
  const accessOf = rememberAccess(ctx, vault);
  const waiting = [...new Set(input.packIds)];
  const verdicts: PackVerdict[] = [];
  const work = async (): Promise<void> => {
    for (let packId = waiting.shift(); packId !== undefined; packId = waiting.shift()) {
      const verdict = await verifyPack(ctx, vault, packId, accessOf);
      if (verdict) verdicts.push(verdict);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
  return verdicts;
}

async function verifyPack(
  ctx: Context,
  vault: Vault,
  packId: string,
  accessOf: AccessOf,
): Promise<PackVerdict | undefined> {
  try {
    const verdict = await ctx.services.packVerification.verifyPack(
      { vaultId: vault.id, storeUrl: vault.storeUrl },
      packId,
      accessOf,
    );
    if (verdict.bad.length > 0)
      ctx.log.warn({ vaultId: vault.id, packId, chunks: verdict.bad.length }, 'pack.bad-chunks');
    return { packId, ...verdict };
  } catch (error) {
    if (isHoldfastError(error, 'NotFound')) return undefined;
    if (!isHoldfastError(error, 'Integrity')) throw error;
    ctx.log.warn({ vaultId: vault.id, packId, code: error.code }, 'pack.not-readable');
    return undefined;
  }
}

function rememberAccess(ctx: Context, vault: Vault): AccessOf {
  const known = new Map<string, Promise<DomainAccess | undefined>>();
  return (domainId) => {
    const remembered = known.get(domainId) ?? readAccess(ctx, vault, domainId);
    known.set(domainId, remembered);
    return remembered;
  };
}

async function readAccess(ctx: Context, vault: Vault, domainId: string): Promise<DomainAccess | undefined> {
  try {
    return await ctx.unitOfWork.run((stores) => domainAccess(ctx, stores, vault, domainId));
  } catch (error) {
    // A pack of a domain that the vault does not have: nothing in it counts.
    if (isHoldfastError(error, 'NotFound')) return undefined;
    throw error;
  }
}
