import { Domain } from '@holdfast/proto/vault';
import { decodeMessage, encodeMessage } from '../format/canonical.js';
import { damaged } from '../format/format-errors.js';
import { MAX_SMALL_OBJECT_BYTES } from '../format/limits.js';
import { checkDomain } from '../sealing/domains.js';
import { openSignedObject, SignedKind, type Signer, signObject } from '../sealing/signing.js';
import { type NamedObject, orUnstorable } from './named-object.js';
import { domainName } from './object-names.js';

/** A domain as `domain/<id>`: erasing that object erases what only its keys can open. */
export function encodeDomainObject(signer: Signer, domain: Domain): NamedObject {
  orUnstorable(() => checkDomain(domain));
  const name = domainName(domain.domainId);
  return { name, bytes: signObject(signer, SignedKind.Domain, name, encodeMessage(Domain, domain)) };
}

/** Throws Integrity unless the vault's server signed it. */
export function openDomainObject(publicKey: Uint8Array, object: NamedObject): Domain {
  const domain = decodeDomain(openSignedObject(publicKey, SignedKind.Domain, object.name, object.bytes));
  if (domainName(domain.domainId) !== object.name)
    throw damaged('MALFORMED_DOMAIN', 'A dedup domain stands under another name.');
  return domain;
}

/** A domain as bytes of its own, unsigned: for a catalog. */
export function encodeDomain(domain: Domain): Buffer {
  return encodeMessage(Domain, domain);
}

export function decodeDomain(bytes: Uint8Array): Domain {
  const domain = decodeMessage(Domain, bytes, 'dedup domain', MAX_SMALL_OBJECT_BYTES);
  checkDomain(domain);
  return domain;
}
