import { decodeDomain, encodeDomain, encodeDomainObject } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import type { DomainRecord, Vault } from '../domain/vault.js';
import { slotsOf } from '../vault-objects.js';
import { drawItemDomain } from '../vault-secrets.js';
import { serverIdentity } from './server-identity.js';
import { writeOnce } from './write-once.js';

/**
 * The dedup domain that an item's backups go into: the vault's, or in an ITEM vault the item's own, which its
 * first backup makes. The row comes first and says whether the object is durable, so a crash in between only
 * means that the object is written by the next call.
 */
export async function domainForItem(ctx: Context, vault: Vault, itemId: string): Promise<DomainRecord> {
  const { record, signer } = await ctx.unitOfWork.run(async (stores) => {
    const identity = await serverIdentity(stores);
    const signer = ctx.services.keys.signer(identity);
    const known =
      vault.dedupDomain === 'VAULT'
        ? await stores.vaults.domainOfVault(vault.id)
        : await stores.vaults.domainOfItem(itemId);
    if (known) return { record: known, signer };
    if (vault.dedupDomain === 'VAULT')
      throw new HoldfastError({
        kind: 'Internal',
        code: 'VAULT_WITHOUT_DOMAIN',
        message: `Vault ${vault.id} has no dedup domain.`,
      });
    const domainId = ctx.newId();
    const domain = await drawItemDomain(
      ctx.services.keys,
      slotsOf(vault, identity.signingPublicKey),
      domainId,
      itemId,
      ctx.random,
    );
    const record: DomainRecord = {
      id: domainId,
      vaultId: vault.id,
      itemId,
      message: encodeDomain(domain),
      stored: false,
    };
    await stores.vaults.insertDomain(record);
    return { record, signer };
  });
  if (record.stored) return record;
  await writeOnce(ctx, vault, encodeDomainObject(signer, decodeDomain(record.message)));
  await ctx.unitOfWork.run((stores) => stores.vaults.markDomainStored(record.id));
  return { ...record, stored: true };
}
