import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { HoldfastError } from '@holdfast/core/errors';
import type { Random } from '@holdfast/core/ids';

const PURPOSE = 'holdfast ca private key v1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** nonce ‖ AES-256-GCM(key) ‖ tag, under a key derived from the master key for this purpose alone. `context` is bound to it. */
export function sealPrivateKey(masterKey: Uint8Array, context: Uint8Array, key: Uint8Array, random: Random): Buffer {
  const nonce = random.bytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', derive(masterKey), nonce).setAAD(context);
  return Buffer.concat([nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()]);
}

/** Throws WrongKey when the master key is another one or the sealed bytes were changed. */
export function openPrivateKey(masterKey: Uint8Array, context: Uint8Array, sealed: Uint8Array): Buffer {
  if (sealed.length <= NONCE_BYTES + TAG_BYTES) throw wrongKey();
  const decipher = createDecipheriv('aes-256-gcm', derive(masterKey), sealed.subarray(0, NONCE_BYTES)).setAAD(context);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw wrongKey(cause);
  }
}

function derive(masterKey: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', masterKey, Buffer.alloc(0), PURPOSE, 32));
}

function wrongKey(cause?: unknown): HoldfastError {
  return new HoldfastError({
    kind: 'WrongKey',
    code: 'CA_KEY_SEALED',
    message: "The CA's key cannot be opened with this master key.",
    cause,
  });
}
