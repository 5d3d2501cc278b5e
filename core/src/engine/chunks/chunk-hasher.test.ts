import { createHash, createHmac } from 'node:crypto';
import { PackKind } from '@holdfast/proto/vault';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../ids/index.js';
import { ChunkHasher, verifyChunk } from './chunk-hasher.js';
import { HmacSha256 } from './hmac-sha256.js';

describe('HMAC-SHA256', () => {
  it('agrees with the platform for keys and inputs of any length', () => {
    const lengths = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 16_300, max: 16_500 }));
    fc.assert(
      fc.property(lengths, fc.array(lengths, { maxLength: 3 }), fc.string(), (keyLength, parts, seed) => {
        const random = seededRandom(seed);
        const key = random.bytes(keyLength);
        const inputs = parts.map((length) => random.bytes(length));
        const expected = createHmac('sha256', key).update(Buffer.concat(inputs)).digest();
        const hmac = new HmacSha256(key);
        hmac.digest(Buffer.from('something before'));
        expect(hmac.digest(...inputs).equals(expected)).toBe(true);
      }),
    );
  });
});

describe('a chunk name', () => {
  const idKey = Buffer.alloc(32, 9);
  const hasher = new ChunkHasher(idKey);

  it('is the keyed hash of kind, edges and plaintext, and the hash of that', () => {
    const edges = Buffer.concat([Buffer.alloc(32, 1), Buffer.alloc(32, 2)]);
    const plaintext = Buffer.from('node');
    const head = Buffer.from([2, 2, 0, 0, 0]);
    const claim = createHmac('sha256', idKey)
      .update(Buffer.concat([head, edges, plaintext]))
      .digest();
    const name = hasher.name(PackKind.PACK_KIND_NODE, edges, plaintext);
    expect(name.claim.equals(claim)).toBe(true);
    expect(name.id.equals(createHash('sha256').update(claim).digest())).toBe(true);
  });

  it('tells kind, edges and plaintext apart', () => {
    const one = Buffer.alloc(32, 1);
    const ids = [
      hasher.name(PackKind.PACK_KIND_DATA, Buffer.alloc(0), one),
      hasher.name(PackKind.PACK_KIND_NODE, Buffer.alloc(0), one),
      hasher.name(PackKind.PACK_KIND_NODE, one, Buffer.alloc(0)),
      new ChunkHasher(Buffer.alloc(32, 8)).name(PackKind.PACK_KIND_DATA, Buffer.alloc(0), one),
    ].map((name) => name.id.toString('hex'));
    expect(new Set(ids).size).toBe(4);
  });

  it('is refused by verification for any other content', () => {
    const { id } = hasher.nameData(Buffer.from('content'));
    verifyChunk(hasher, PackKind.PACK_KIND_DATA, id, Buffer.alloc(0), Buffer.from('content'));
    expect(() =>
      verifyChunk(hasher, PackKind.PACK_KIND_DATA, id, Buffer.alloc(0), Buffer.from('Content')),
    ).toThrowError(expect.objectContaining({ kind: 'Integrity', code: 'CHUNK_MISMATCH' }));
  });
});
