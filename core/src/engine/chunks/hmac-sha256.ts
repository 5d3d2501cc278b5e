import { createHash, hash } from 'node:crypto';
import { asBuffer } from '../format/canonical.js';

const BLOCK = 64;
// Up to here the copy into one buffer costs less than the native calls that streaming needs.
const ONE_SHOT_BYTES = 16 * 1024;

/**
 * HMAC-SHA256 (RFC 2104) under one key, for many inputs. createHmac sets up its key anew for every
 * input (some 30 µs, more than hashing a small file); here the two padded blocks are made once.
 */
export class HmacSha256 {
  private readonly inner = Buffer.alloc(BLOCK + ONE_SHOT_BYTES);
  private readonly outer = Buffer.alloc(BLOCK + 32);

  constructor(key: Uint8Array) {
    const block = Buffer.alloc(BLOCK);
    block.set(key.length > BLOCK ? sha256(key) : key);
    for (let i = 0; i < BLOCK; i++) {
      const byte = block[i] as number;
      this.inner[i] = byte ^ 0x36;
      this.outer[i] = byte ^ 0x5c;
    }
  }

  /** The code of the parts' concatenation. */
  digest(...parts: readonly Uint8Array[]): Buffer {
    let total = 0;
    for (const part of parts) total += part.length;
    this.outer.set(total <= ONE_SHOT_BYTES ? this.hashTogether(parts, total) : this.hashInTurn(parts), BLOCK);
    return hash('sha256', this.outer, 'buffer');
  }

  private hashTogether(parts: readonly Uint8Array[], total: number): Buffer {
    let at = BLOCK;
    for (const part of parts) {
      this.inner.set(part, at);
      at += part.length;
    }
    return hash('sha256', this.inner.subarray(0, BLOCK + total), 'buffer');
  }

  private hashInTurn(parts: readonly Uint8Array[]): Buffer {
    const running = createHash('sha256').update(this.inner.subarray(0, BLOCK));
    for (const part of parts) running.update(part);
    return running.digest();
  }
}

export function sha256(bytes: Uint8Array): Buffer {
  return hash('sha256', asBuffer(bytes), 'buffer');
}
