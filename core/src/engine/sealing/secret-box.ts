import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Random } from '../../ids/index.js';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const BOX_OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES;

/** nonce ‖ AES-256-GCM ciphertext ‖ tag, the nonce drawn at random. For keys and other small secrets. */
export function sealBox(key: Uint8Array, binding: Uint8Array, secret: Uint8Array, random: Random): Buffer {
  const nonce = random.bytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(binding);
  return Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
}

/** Undefined when the key, the binding or any bit of the box is another. */
export function openBox(key: Uint8Array, binding: Uint8Array, box: Uint8Array): Buffer | undefined {
  if (box.length < BOX_OVERHEAD_BYTES) return undefined;
  const end = box.length - TAG_BYTES;
  const decipher = createDecipheriv('aes-256-gcm', key, box.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(binding);
  decipher.setAuthTag(box.subarray(end));
  try {
    return Buffer.concat([decipher.update(box.subarray(NONCE_BYTES, end)), decipher.final()]);
  } catch {
    return undefined;
  }
}
