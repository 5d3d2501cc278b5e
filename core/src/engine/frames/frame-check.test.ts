import { createCipheriv, createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frameCheck, RunningFrameCheck } from './frame-check.js';

const BLOCK_BYTES = 16;

describe('the check of a frame', () => {
  it('is GMAC as the standard has it, under the key and the nonce that the format states', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (stored) => {
        expect(frameCheck(stored)).toEqual(gmac(Buffer.from(stored)));
      }),
    );
  });

  it('is the same in whatever pieces the bytes come', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 }), (pieces) => {
        const running = new RunningFrameCheck();
        for (const piece of pieces) running.update(piece);
        expect(running.digest()).toEqual(frameCheck(Buffer.concat(pieces)));
      }),
    );
  });

  it('tells every single bit, and lengths of zeros, apart', () => {
    const stored = Buffer.alloc(40);
    const checks = new Set([frameCheck(stored).toString('hex'), frameCheck(Buffer.alloc(41)).toString('hex')]);
    for (let bit = 0; bit < stored.length * 8; bit += 1) {
      const other = Buffer.from(stored);
      other[bit >> 3] = 1 << (bit & 7);
      checks.add(frameCheck(other).toString('hex'));
    }
    expect(checks.size).toBe(stored.length * 8 + 2);
  });
});

/** NIST SP 800-38D, 6.3 to 7.1, with nothing to encrypt and 96 zero bits as the nonce. */
function gmac(bytes: Buffer): Buffer {
  const key = createHash('sha256').update('holdfast frame check v1').digest();
  const encrypt = (block: Buffer) => createCipheriv('aes-256-ecb', key, null).update(block);
  const h = bits(encrypt(Buffer.alloc(BLOCK_BYTES)));
  const lengths = Buffer.alloc(BLOCK_BYTES);
  lengths.writeBigUInt64BE(BigInt(bytes.length) * 8n);
  const padding = Buffer.alloc(-bytes.length & (BLOCK_BYTES - 1));
  const blocks = Buffer.concat([bytes, padding, lengths]);
  let y = 0n;
  for (let at = 0; at < blocks.length; at += BLOCK_BYTES)
    y = product(y ^ bits(blocks.subarray(at, at + BLOCK_BYTES)), h);
  const counter = Buffer.alloc(BLOCK_BYTES);
  counter[BLOCK_BYTES - 1] = 1;
  return Buffer.from((y ^ bits(encrypt(counter))).toString(16).padStart(32, '0'), 'hex');
}

function bits(block: Buffer): bigint {
  return BigInt(`0x${block.toString('hex')}`);
}

/** In GF(2^128), whose first bit is the highest here. */
function product(x: bigint, y: bigint): bigint {
  let z = 0n;
  let v = y;
  for (let bit = 127n; bit >= 0n; bit -= 1n) {
    if ((x >> bit) & 1n) z ^= v;
    v = v & 1n ? (v >> 1n) ^ (0xe1n << 120n) : v >> 1n;
  }
  return z;
}
