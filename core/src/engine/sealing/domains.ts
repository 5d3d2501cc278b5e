/**
 * A dedup domain owns the keys that name chunks (id key), cut them (chunker key) and open sessions
 * (private key). They lie in its object, sealed under a key derived from the vault key; the public
 * half of the object is bound in, so no field of it can be exchanged.
 */
import { type ChunkerParameters, Domain, DomainScope, DomainSecret } from '@holdfast/proto/vault';
import type { Random } from '../../ids/index.js';
import { DEFAULT_CHUNKER, planChunker } from '../chunker/gear-chunker.js';
import { sha256 } from '../chunks/hmac-sha256.js';
import { decodeMessage, encodeMessage } from '../format/canonical.js';
import { damaged, unstorable, wrongKey } from '../format/format-errors.js';
import { NO_IDS } from '../format/id-set.js';
import { KEY_BYTES, UUID_BYTES } from '../format/limits.js';
import { deriveKey } from './hkdf.js';
import { openBox, sealBox } from './secret-box.js';
import { createDomainKeyPair, KEM_X25519_HKDF_SHA256 } from './session-keys.js';

const LABEL = Buffer.from('holdfast domain v1', 'ascii');
const MAX_SECRET_BYTES = 1024;

export interface CreateDomainInput {
  readonly vaultId: Uint8Array;
  readonly vaultKey: Uint8Array;
  readonly domainId: Uint8Array;
  readonly scope: DomainScope.DOMAIN_SCOPE_VAULT | DomainScope.DOMAIN_SCOPE_ITEM;
  /** ITEM: the protected item, 16 bytes. */
  readonly itemId?: Uint8Array;
  readonly chunker?: ChunkerParameters;
}

export async function createDomain(
  input: CreateDomainInput,
  random: Random,
): Promise<{ domain: Domain; secret: DomainSecret }> {
  const { privateKey, publicKey } = await createDomainKeyPair(random);
  const secret: DomainSecret = { privateKey, idKey: random.bytes(KEY_BYTES), chunkerKey: random.bytes(KEY_BYTES) };
  const open: Domain = {
    domainId: Buffer.from(input.domainId),
    scope: input.scope,
    itemId: Buffer.from(input.itemId ?? NO_IDS),
    kemId: KEM_X25519_HKDF_SHA256,
    publicKey,
    sealedSecret: Buffer.alloc(0),
    chunker: { ...(input.chunker ?? DEFAULT_CHUNKER) },
    keyEpoch: 1,
  };
  const bytes = encodeMessage(DomainSecret, secret);
  const domain = {
    ...open,
    sealedSecret: sealBox(domainKey(input.vaultKey, input.vaultId, open), binding(input.vaultId, open), bytes, random),
  };
  try {
    checkDomain(domain);
  } catch (cause) {
    throw unstorable('UNSTORABLE_DOMAIN', cause instanceof Error ? cause.message : String(cause));
  }
  return { domain, secret };
}

/** Throws WrongKey when the vault key is another or the domain was changed. */
export function openDomain(vaultKey: Uint8Array, vaultId: Uint8Array, domain: Domain): DomainSecret {
  checkDomain(domain);
  const bytes = openBox(domainKey(vaultKey, vaultId, domain), binding(vaultId, domain), domain.sealedSecret);
  if (!bytes) throw wrongKey('DOMAIN_NOT_OPENED', "The vault's key does not open this dedup domain.");
  const secret = decodeMessage(DomainSecret, bytes, 'domain secret', MAX_SECRET_BYTES);
  const { privateKey, idKey, chunkerKey } = secret;
  if ([privateKey, idKey, chunkerKey].some((key) => key.length !== KEY_BYTES))
    throw malformed('a key has a wrong length');
  return secret;
}

/** Throws Integrity unless the domain keeps the format's rules. */
export function checkDomain(domain: Domain): void {
  const ofItem = domain.scope === DomainScope.DOMAIN_SCOPE_ITEM;
  if (domain.domainId.length !== UUID_BYTES) throw malformed('its id has a wrong length');
  if (!ofItem && domain.scope !== DomainScope.DOMAIN_SCOPE_VAULT) throw malformed('its scope is unknown');
  if (domain.itemId.length !== (ofItem ? UUID_BYTES : 0)) throw malformed('its scope and its item do not match');
  if (domain.kemId !== KEM_X25519_HKDF_SHA256 || domain.publicKey.length !== KEY_BYTES)
    throw malformed('its public key is of an unknown kind');
  if (domain.sealedSecret.length === 0 || domain.sealedSecret.length > MAX_SECRET_BYTES)
    throw malformed('its secret has a wrong length');
  if (domain.keyEpoch === 0) throw malformed('it has no key epoch');
  if (!domain.chunker) throw malformed('it has no chunker parameters');
  try {
    planChunker(NO_IDS, domain.chunker);
  } catch {
    throw malformed('its chunker parameters are out of bounds');
  }
}

function domainKey(vaultKey: Uint8Array, vaultId: Uint8Array, domain: Domain): Buffer {
  return deriveKey(vaultKey, Buffer.concat([LABEL, vaultId, domain.domainId]));
}

function binding(vaultId: Uint8Array, domain: Domain): Buffer {
  const open = encodeMessage(Domain, { ...domain, sealedSecret: Buffer.alloc(0) });
  return Buffer.concat([LABEL, vaultId, sha256(open)]);
}

function malformed(why: string) {
  return damaged('MALFORMED_DOMAIN', `A dedup domain breaks the format: ${why}.`);
}
