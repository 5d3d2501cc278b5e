import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto';
import { deserialize, serialize } from 'node:v8';
import type { Random } from '@holdfast/core/ids';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Keeps payloads and fingerprints of inputs in the database without telling its reader what they are. */
export interface PayloadSeal {
  /** nonce ‖ AES-256-GCM ‖ tag, bound to `key`. Payloads are plain data: dates as numbers, bigints, buffers. */
  seal(key: string, payload: unknown): Buffer;
  open(key: string, sealed: Buffer): unknown;
  /** A keyed hash: inputs may be passwords. */
  fingerprint(input: unknown): string;
}

export function createPayloadSeal(masterKey: Uint8Array, random: Random): PayloadSeal {
  const derive = (purpose: string): Buffer =>
    Buffer.from(hkdfSync('sha256', masterKey, Buffer.alloc(0), `holdfast handled mutations ${purpose} v1`, 32));
  const sealing = derive('payload');
  const hashing = derive('input');
  return {
    seal(key, payload) {
      const nonce = random.bytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', sealing, nonce).setAAD(Buffer.from(key));
      return Buffer.concat([nonce, cipher.update(serialize(payload)), cipher.final(), cipher.getAuthTag()]);
    },
    open(key, sealed) {
      const decipher = createDecipheriv('aes-256-gcm', sealing, sealed.subarray(0, NONCE_BYTES)).setAAD(
        Buffer.from(key),
      );
      decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
      const payload: unknown = deserialize(
        Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES)), decipher.final()]),
      );
      return payload;
    },
    fingerprint: (input) => createHmac('sha256', hashing).update(canonical(input)).digest('hex'),
  };
}

/** JSON with sorted keys, so that the order in which a client writes its fields does not matter. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => {
    if (typeof each === 'bigint') return `${each}n`;
    if (each === null || typeof each !== 'object' || Array.isArray(each)) return each;
    return Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
