import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ID_BYTES, ID_WORDS, wordsOf } from './entry.js';
import { IdHash } from './id-hash.js';

const COUNT = 4_096;

function madeUp(change: (id: Buffer, each: number) => void): Int32Array {
  const ids = Buffer.alloc(COUNT * ID_BYTES, 5);
  for (let each = 0; each < COUNT; each++) change(ids.subarray(each * ID_BYTES, (each + 1) * ID_BYTES), each);
  return wordsOf(ids);
}

function tagsOf(ids: Int32Array, secret: Buffer): number[] {
  const hash = new IdHash(secret);
  return Array.from({ length: COUNT }, (_, each) => hash.tagOf(ids, each * ID_WORDS));
}

describe('tags of ids', () => {
  it.each([
    ['counted in their last word', madeUp((id, each) => id.writeUInt32LE(each, 28))],
    ['counted in their first word', madeUp((id, each) => id.writeUInt32LE(each, 0))],
    ['that differ in the high halves of words alone', madeUp((id, each) => id.writeUInt16LE(each, 14))],
    [
      'of two bits',
      madeUp((id, each) => {
        id.fill(0);
        for (const bit of [each % 256, each >>> 4])
          id.writeUInt8(id.readUInt8(bit >>> 3) ^ (1 << (bit & 7)), bit >>> 3);
      }),
    ],
  ])('of ids %s are spread in their first and in their last bits', (_, ids) => {
    for (let time = 0; time < 5; time++) {
      const tags = [...new Set(tagsOf(ids, randomBytes(12)))];
      for (const bucketOf of [(tag: number) => tag >>> 23, (tag: number) => tag & 0xff]) {
        const buckets = new Uint32Array(256);
        for (const tag of tags) buckets[bucketOf(tag)] = (buckets[bucketOf(tag)] as number) + 1;
        expect(Math.max(...buckets)).toBeLessThan((tags.length / 256) * 3 + 10);
      }
    }
  });

  it('are others with another secret', () => {
    const ids = wordsOf(randomBytes(COUNT * ID_BYTES));
    const [one, two] = [tagsOf(ids, randomBytes(12)), tagsOf(ids, randomBytes(12))];
    expect(one.filter((tag, each) => tag === two[each]).length).toBeLessThan(3);
  });
});
