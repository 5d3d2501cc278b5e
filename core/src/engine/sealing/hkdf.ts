import { hkdfSync } from 'node:crypto';
import { HmacSha256 } from '../chunks/hmac-sha256.js';

const NO_SALT = Buffer.alloc(0);

/** 32 bytes of HKDF-SHA256 (RFC 5869). `info` is a label, or a label and binding bytes. */
export function deriveKey(secret: Uint8Array, info: string | Uint8Array, salt: Uint8Array = NO_SALT): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, info, 32));
}

/** HKDF-Expand to any length, from a secret that is uniform already. */
export function expandKey(secret: Uint8Array, info: string, length: number): Buffer {
  const hmac = new HmacSha256(secret);
  const label = Buffer.from(info, 'utf8');
  const blocks: Buffer[] = [];
  for (let index = 1; blocks.length * 32 < length; index++) {
    blocks.push(hmac.digest(blocks.at(-1) ?? NO_SALT, label, Buffer.of(index)));
  }
  return Buffer.concat(blocks).subarray(0, length);
}

/** HKDF-SHA256 from one secret to many 32-byte keys: extracts once, then one HMAC per key. */
export class KeyDeriver {
  private readonly expand: HmacSha256;

  constructor(secret: Uint8Array) {
    this.expand = new HmacSha256(new HmacSha256(NO_SALT).digest(secret));
  }

  derive(info: Uint8Array): Buffer {
    return this.expand.digest(info, FIRST_BLOCK);
  }
}

const FIRST_BLOCK = Buffer.of(1);
