import { Descriptor, KeyMode, Redundancy } from '@holdfast/proto/vault';
import { HoldfastError } from '../../errors/index.js';
import { decodeMessage, encodeMessage } from '../format/canonical.js';
import { damaged } from '../format/format-errors.js';
import { KEY_BYTES, MAX_SMALL_OBJECT_BYTES, UUID_BYTES } from '../format/limits.js';
import { checkDomain } from '../sealing/domains.js';
import { checkKeySlot } from '../sealing/key-slots.js';
import { openSignedObject, peekSignedObject, SignedKind, type Signer, signObject } from '../sealing/signing.js';
import type { ObjectStore } from '../stores/object-store.js';
import { type NamedObject, orUnstorable } from './named-object.js';
import { descriptorName, parseObjectName } from './object-names.js';

export const FORMAT_VERSION = 1;
const MAX_SLOTS = 64;
const MAX_NAME_LENGTH = 256;
/** Of a Descriptor: slots (11). */
const SHAPE = { 11: { most: MAX_SLOTS } };

/** Features that this version knows, by what a reader that misses one must do. */
const KNOWN_READ_ONLY = 0n;
const KNOWN_INCOMPATIBLE = 0n;

/** @param signer the key whose public half the previous descriptor states; for the first, the one it states itself */
export function encodeDescriptor(signer: Signer, descriptor: Descriptor): NamedObject {
  orUnstorable(() => checkDescriptor(descriptor));
  const name = descriptorName(descriptor.generation);
  return { name, bytes: signObject(signer, SignedKind.Descriptor, name, encodeMessage(Descriptor, descriptor)) };
}

/**
 * Reads a descriptor. `trustedKey` is the public key known before: from the catalog, or the previous
 * descriptor. Without one the descriptor vouches for itself, which proves that it is whole and no more.
 * Throws Integrity; IllegalState for a vault that needs a newer version.
 */
export function openDescriptor(object: NamedObject, trustedKey?: Uint8Array): Descriptor {
  const read = (payload: Uint8Array) => decodeMessage(Descriptor, payload, object.name, MAX_SMALL_OBJECT_BYTES, SHAPE);
  const key = trustedKey ?? read(peekSignedObject(object.name, object.bytes)).signingPublicKey;
  const descriptor = read(openSignedObject(key, SignedKind.Descriptor, object.name, object.bytes));
  checkVersion(descriptor);
  checkDescriptor(descriptor);
  if (descriptorName(descriptor.generation) !== object.name) throw malformed('it stands under another name');
  return descriptor;
}

/** The descriptor of the highest generation in a store. Throws NotFound where there is none. */
export async function readLatestDescriptor(store: ObjectStore, trustedKey?: Uint8Array): Promise<Descriptor> {
  let latest: string | undefined;
  for await (const { name } of store.list('descriptor/')) {
    if (parseObjectName(name)?.folder === 'descriptor') latest = name;
  }
  if (latest === undefined) {
    throw new HoldfastError({ kind: 'NotFound', code: 'NO_DESCRIPTOR', message: 'This store holds no vault.' });
  }
  return openDescriptor({ name: latest, bytes: await store.get(latest) }, trustedKey);
}

/** Whether this version may write to the vault; it may read what `openDescriptor` gave out. */
export function isWritable(descriptor: Descriptor): boolean {
  return (descriptor.readOnlyCompatibleFeatures & ~KNOWN_READ_ONLY) === 0n;
}

function checkVersion(descriptor: Descriptor): void {
  if (descriptor.formatVersion > FORMAT_VERSION || (descriptor.incompatibleFeatures & ~KNOWN_INCOMPATIBLE) !== 0n) {
    throw new HoldfastError({
      kind: 'IllegalState',
      code: 'VAULT_TOO_NEW',
      message: 'This vault uses features of the format that this version does not know.',
    });
  }
}

function checkDescriptor(descriptor: Descriptor): void {
  const { formatVersion, vaultId, generation, vaultName, keyMode, redundancy, signingPublicKey, slots, vaultDomain } =
    descriptor;
  if (formatVersion !== FORMAT_VERSION) throw malformed('its version is unknown');
  if (vaultId.length !== UUID_BYTES || generation < 1n) throw malformed('its id or generation is out of bounds');
  if (vaultName.length === 0 || vaultName.length > MAX_NAME_LENGTH)
    throw malformed("its vault's name is out of bounds");
  if (keyMode !== KeyMode.KEY_MODE_PLATFORM && keyMode !== KeyMode.KEY_MODE_CUSTOMER)
    throw malformed('its key mode is unknown');
  if (redundancy < Redundancy.REDUNDANCY_LRS || redundancy > Redundancy.REDUNDANCY_GRS)
    throw malformed('its redundancy is unknown');
  if (signingPublicKey.length !== KEY_BYTES) throw malformed('its signing key has a wrong length');
  if (slots.length === 0 || slots.length > MAX_SLOTS) throw malformed('its number of key slots is out of bounds');
  slots.forEach(checkKeySlot);
  if (vaultDomain) checkDomain(vaultDomain);
}

function malformed(why: string) {
  return damaged('MALFORMED_DESCRIPTOR', `A vault's descriptor breaks the format: ${why}.`);
}
