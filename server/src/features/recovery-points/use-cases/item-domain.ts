import { HoldfastError } from '@holdfast/core/errors';
import type { Stores } from '../../stores.js';
import type { DomainRecord, Vault } from '../../vaults/domain/vault.js';

/** The dedup domain that the item's backups go into; `domainForItem` made it before the first one started. */
export async function domainOf(stores: Stores, vault: Vault, itemId: string): Promise<DomainRecord> {
  const domain =
    vault.dedupDomain === 'VAULT'
      ? await stores.vaults.domainOfVault(vault.id)
      : await stores.vaults.domainOfItem(itemId);
  if (!domain)
    throw new HoldfastError({
      kind: 'IllegalState',
      code: 'NO_DOMAIN',
      message: 'The item has no dedup domain: none of its backups was ever started.',
    });
  return domain;
}
