/**
 * Session keys are wrapped to the domain's public key with HPKE (RFC 9180, base mode):
 * DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. An agent that has wrapped its key and
 * forgotten it cannot read its own backups.
 */

import { WrappedSessionKey } from '@holdfast/proto/vault';
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import type { Random } from '../../ids/index.js';
import { decodeMessage, encodeMessage } from '../format/canonical.js';
import { damaged, unstorable, wrongKey } from '../format/format-errors.js';
import { KEY_BYTES } from '../format/limits.js';

export const KEM_X25519_HKDF_SHA256 = 0x0020;
const ENCAPSULATED_BYTES = 32;
const CIPHERTEXT_BYTES = KEY_BYTES + 16;
const LABEL = Buffer.from('holdfast session key v1', 'ascii');

/** The platform's key objects, opaque here. */
interface KeyPair {
  readonly privateKey: unknown;
  readonly publicKey: unknown;
}

const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

/** Which vault and domain a key is for; each id 16 bytes. Bound in, so a wrapped key opens nowhere else. */
export interface KeyPlace {
  readonly vaultId: Uint8Array;
  readonly domainId: Uint8Array;
}

export interface SessionKeyPair {
  /** 32 bytes. Keep in memory only, for as long as the session lasts. */
  readonly sessionKey: Buffer;
  /** Goes into the footer of every pack of the session. */
  readonly wrapped: WrappedSessionKey;
}

/** Draws a session key and wraps it. Throws Validation for a public key that is none. */
export async function createSessionKey(
  publicKey: Uint8Array,
  place: KeyPlace,
  random: Random,
): Promise<SessionKeyPair> {
  const sessionKey = random.bytes(KEY_BYTES);
  const ephemeral = random.bytes(KEY_BYTES);
  try {
    const recipientPublicKey = (await suite.kem.deserializePublicKey(exact(publicKey))) as unknown;
    // The sender's ephemeral key pair comes from our own random source, as every secret does.
    const ekm = (await suite.kem.deriveKeyPair(exact(ephemeral))) as KeyPair;
    const { enc, ct } = await suite.seal({ recipientPublicKey, info: exact(infoOf(place)), ekm }, exact(sessionKey));
    const wrapped = { kemId: KEM_X25519_HKDF_SHA256, encapsulated: Buffer.from(enc), ciphertext: Buffer.from(ct) };
    return { sessionKey, wrapped };
  } catch {
    throw unstorable('PUBLIC_KEY', "A session key cannot be wrapped: the domain's public key is none.");
  }
}

/** Throws WrongKey when the private key or the place is another, or the wrapped key was changed. */
export async function openSessionKey(
  privateKey: Uint8Array,
  place: KeyPlace,
  wrapped: WrappedSessionKey,
): Promise<Buffer> {
  checkWrappedSessionKey(wrapped);
  try {
    const recipientKey = (await suite.kem.deserializePrivateKey(exact(privateKey))) as unknown;
    const params = { recipientKey, enc: exact(wrapped.encapsulated), info: exact(infoOf(place)) };
    return Buffer.from(await suite.open(params, exact(wrapped.ciphertext)));
  } catch {
    throw wrongKey('SESSION_KEY_NOT_OPENED', "This domain's key does not open the session key.");
  }
}

/** A fresh key pair for a domain: raw X25519 keys. */
export async function createDomainKeyPair(random: Random): Promise<{ privateKey: Buffer; publicKey: Buffer }> {
  const pair = (await suite.kem.deriveKeyPair(exact(random.bytes(KEY_BYTES)))) as KeyPair;
  return {
    privateKey: Buffer.from(await suite.kem.serializePrivateKey(pair.privateKey)),
    publicKey: Buffer.from(await suite.kem.serializePublicKey(pair.publicKey)),
  };
}

export function checkWrappedSessionKey(wrapped: WrappedSessionKey | undefined): asserts wrapped is WrappedSessionKey {
  const sound =
    wrapped?.kemId === KEM_X25519_HKDF_SHA256 &&
    wrapped.encapsulated.length === ENCAPSULATED_BYTES &&
    wrapped.ciphertext.length === CIPHERTEXT_BYTES;
  if (!sound)
    throw damaged(
      'MALFORMED_SESSION_KEY',
      'A wrapped session key breaks the format, or uses a KEM that this version does not know.',
    );
}

export function encodeWrappedSessionKey(wrapped: WrappedSessionKey): Buffer {
  return encodeMessage(WrappedSessionKey, wrapped);
}

export function decodeWrappedSessionKey(bytes: Uint8Array): WrappedSessionKey {
  const wrapped = decodeMessage(WrappedSessionKey, bytes, 'wrapped session key', 256);
  checkWrappedSessionKey(wrapped);
  return wrapped;
}

function infoOf(place: KeyPlace): Buffer {
  return Buffer.concat([LABEL, place.vaultId, place.domainId]);
}

// The library reads whole ArrayBuffers in places; a pooled Buffer's would hold its neighbours too.
function exact(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
