/**
 * Descriptors, domains, points and log entries are signed with Ed25519 (RFC 8032) by the server that
 * owns the vault. The signature covers the object's kind and name, so none can stand in for another.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { SignedObject } from '@holdfast/proto/vault';
import { decodeMessage, encodeMessage } from '../format/canonical.js';
import { damaged, unstorable } from '../format/format-errors.js';
import { KEY_BYTES, MAX_SMALL_OBJECT_BYTES } from '../format/limits.js';

/** Numbers of the stored format: never reused. */
export enum SignedKind {
  Descriptor = 1,
  Domain = 2,
  Point = 3,
  Log = 4,
}

const LABEL = Buffer.from('holdfast signed v1', 'ascii');
// RFC 8410: what stands before the 32 bytes of a private and of a public key in DER.
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const SIGNATURE_BYTES = 64;

export interface Signer {
  /** 32 bytes. */
  readonly publicKey: Buffer;
  /** 64 bytes. */
  sign(message: Uint8Array): Buffer;
}

/** @param seed 32 random bytes: the private key */
export function createSigner(seed: Uint8Array): Signer {
  if (seed.length !== KEY_BYTES) throw unstorable('KEY_LENGTH', 'A signing key has 32 bytes.');
  const key = createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(PUBLIC_PREFIX.length);
  return { publicKey, sign: (message) => sign(null, message, key) };
}

export function signObject(signer: Signer, kind: SignedKind, name: string, payload: Uint8Array): Buffer {
  const signature = signer.sign(signedBytes(kind, name, payload));
  return encodeMessage(SignedObject, { payload: Buffer.from(payload), signature });
}

/** The payload of a signed object. Throws Integrity unless `publicKey` signed it as this kind and name. */
export function openSignedObject(publicKey: Uint8Array, kind: SignedKind, name: string, bytes: Uint8Array): Buffer {
  const { payload, signature } = decodeMessage(SignedObject, bytes, name, MAX_SMALL_OBJECT_BYTES);
  const good =
    signature.length === SIGNATURE_BYTES &&
    verify(null, signedBytes(kind, name, payload), publicKeyOf(publicKey), signature);
  if (!good) throw damaged('SIGNATURE', `${name} is not signed by this vault's server.`, { object: name });
  return payload;
}

/** The payload before anything is known about who signed it: to find the key to verify with. */
export function peekSignedObject(name: string, bytes: Uint8Array): Buffer {
  return decodeMessage(SignedObject, bytes, name, MAX_SMALL_OBJECT_BYTES).payload;
}

function signedBytes(kind: SignedKind, name: string, payload: Uint8Array): Buffer {
  const nameBytes = Buffer.from(name, 'ascii');
  const head = Buffer.alloc(3);
  head.writeUInt8(kind, 0);
  head.writeUInt16LE(nameBytes.length, 1);
  return Buffer.concat([LABEL, head, nameBytes, payload]);
}

function publicKeyOf(raw: Uint8Array): KeyObject {
  if (raw.length !== KEY_BYTES) throw damaged('SIGNATURE', 'A public signing key has 32 bytes.');
  return createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, raw]), format: 'der', type: 'spki' });
}
