import { seededRandom } from '@holdfast/core/ids';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareEntries, compareId, ENTRY_BYTES, numberOf, packOf, sortEntries, writeEntry } from './entry.js';
import { collectPositions, makeKeys } from './piece-keys.js';

const id = fc.oneof(
  fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
  fc.integer({ min: 0, max: 3 }).map((byte) => Buffer.alloc(32, byte)),
  fc.uint8Array({ minLength: 28, maxLength: 28 }).map((bytes) => Buffer.concat([Buffer.alloc(4), bytes])),
);

function entriesOf(ids: readonly Buffer[]): Buffer {
  const entries = Buffer.alloc(ids.length * ENTRY_BYTES);
  for (const [place, each] of ids.entries())
    writeEntry(entries, place * ENTRY_BYTES, each, 0, 2 ** 40 + place, 2 ** 32 - 1);
  return entries;
}

function places(entries: Buffer): number[] {
  return Array.from({ length: entries.length / ENTRY_BYTES }, (_, place) => place * ENTRY_BYTES);
}

describe('entries', () => {
  it('keep number and pack, and sort by id and then by number', () => {
    fc.assert(
      fc.property(fc.array(id, { maxLength: 60 }), (ids) => {
        const sorted = sortEntries(entriesOf(ids));
        const plain = ids
          .map((each, place) => ({ id: each, place }))
          .sort((a, b) => a.id.compare(b.id) || a.place - b.place);
        expect(places(sorted).map((at) => numberOf(sorted, at) - 2 ** 40)).toEqual(plain.map(({ place }) => place));
        expect(places(sorted).every((at, place) => compareId(plain[place]?.id as Buffer, 0, sorted, at) === 0)).toBe(
          true,
        );
        expect(places(sorted).every((at) => packOf(sorted, at) === 2 ** 32 - 1)).toBe(true);
        const ordered = places(sorted)
          .slice(1)
          .every((at) => compareEntries(sorted, at - ENTRY_BYTES, sorted, at) < 0);
        expect(ordered).toBe(true);
      }),
    );
  });
});

describe('the keys of a piece', () => {
  it('name the position of every entry', () => {
    fc.assert(
      fc.property(fc.array(id, { minLength: 1, maxLength: 200 }), fc.nat(20), (ids, skip) => {
        const entries = sortEntries(entriesOf(ids));
        const { keys, bounds } = makeKeys(entries);
        const named = places(entries).map((at) => {
          const positions: number[] = [];
          collectPositions(keys, 0, bounds.entries, bounds.low, bounds.high, entries, at, skip, positions);
          return positions;
        });
        expect(named.map((positions, place) => positions.includes(place))).toEqual(
          named.map((_, place) => place >= skip),
        );
        expect(named.flat().every((position) => position >= skip && position < ids.length)).toBe(true);
      }),
    );
  });

  it('take 17 bits an entry and let about one in four thousand strangers pass', () => {
    const random = seededRandom('keys');
    const entries = sortEntries(entriesOf(Array.from({ length: 8_192 }, () => random.bytes(32))));
    const { keys, bounds } = makeKeys(entries);
    expect((keys.length * 8) / 8_192).toBeLessThan(17.1);
    const positions: number[] = [];
    for (let stranger = 0; stranger < 40_000; stranger++) {
      const other = random.bytes(32);
      // Within the bounds, or nobody would look.
      entries.copy(other, 0, (stranger % 8_192) * ENTRY_BYTES, (stranger % 8_192) * ENTRY_BYTES + 4);
      collectPositions(keys, 0, bounds.entries, bounds.low, bounds.high, other, 0, 0, positions);
    }
    expect(positions.length).toBeGreaterThan(2);
    expect(positions.length).toBeLessThan(30);
  });
});
