import { createCipheriv, createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frameCheck, RunningFrameCheck } from './frame-check.js';
import { nodeCodec } from './frame-codec.js';
import { product, toBits, toBlock } from './ghash.fixture.js';

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
        for (const key of [undefined, Buffer.alloc(32, 7)]) {
          const running = new RunningFrameCheck(key);
          for (const piece of pieces) running.update(piece);
          expect(running.digest()).toEqual(frameCheck(Buffer.concat(pieces), nodeCodec, key));
        }
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
  const h = toBits(encrypt(Buffer.alloc(BLOCK_BYTES)));
  const lengths = Buffer.alloc(BLOCK_BYTES);
  lengths.writeBigUInt64BE(BigInt(bytes.length) * 8n);
  const padding = Buffer.alloc(-bytes.length & (BLOCK_BYTES - 1));
  const blocks = Buffer.concat([bytes, padding, lengths]);
  let y = 0n;
  for (let at = 0; at < blocks.length; at += BLOCK_BYTES)
    y = product(y ^ toBits(blocks.subarray(at, at + BLOCK_BYTES)), h);
  const counter = Buffer.alloc(BLOCK_BYTES);
  counter[BLOCK_BYTES - 1] = 1;
  return toBlock(y ^ toBits(encrypt(counter)));
}
