import { type DomainSecret, decodeDomain, type Signer } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import type { Stores } from '../../stores.js';
import type { DomainRecord, Vault } from '../domain/vault.js';
import type { DomainAccess } from '../opening/frame-opening.js';
import { slotsOf } from '../vault-objects.js';
import { openDomainSecret } from '../vault-secrets.js';
import { serverIdentity } from './server-identity.js';

/** The keys of one of the vault's domains: for handing on what a job needs, never for logs or answers of the API. */
export async function domainSecret(
  ctx: Context,
  stores: Stores,
  vault: Vault,
  domain: DomainRecord,
): Promise<DomainSecret> {
  const identity = await serverIdentity(stores);
  return openDomainSecret(ctx.services.keys, slotsOf(vault, identity.signingPublicKey), decodeDomain(domain.message));
}

export async function serverSigner(ctx: Context, stores: Stores): Promise<Signer> {
  return ctx.services.keys.signer(await serverIdentity(stores));
}

/** A domain of this vault. Throws NotFound for any other. */
export async function requireDomain(stores: Stores, vaultId: string, domainId: string): Promise<DomainRecord> {
  const domain = await stores.vaults.getDomain(domainId);
  if (domain?.vaultId !== vaultId)
    throw new HoldfastError({
      kind: 'NotFound',
      code: 'NO_SUCH_DOMAIN',
      message: 'The vault has no such dedup domain.',
    });
  return domain;
}

/** What opens the frames of one of the vault's domains. */
export async function domainAccess(
  ctx: Context,
  stores: Stores,
  vault: Vault,
  domainId: string,
): Promise<DomainAccess> {
  const { privateKey, idKey } = await domainSecret(ctx, stores, vault, await requireDomain(stores, vault.id, domainId));
  return { vaultId: vault.id, domainId, privateKey, idKey };
}
