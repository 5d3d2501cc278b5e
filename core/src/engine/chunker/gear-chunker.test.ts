import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import wabt from 'wabt';
import { seededRandom } from '../../ids/index.js';
import { Chunker, type ChunkerPlan, planChunker } from './gear-chunker.js';
import { GEAR_SEARCH } from './gear-search.js';

const SMALL = { minBytes: 64, normalBytes: 256, maxBytes: 1024 };
const plan = planChunker(Buffer.alloc(32, 1), SMALL);

function chunkLengths(bytes: Uint8Array, by: ChunkerPlan = plan): number[] {
  const chunker = new Chunker(by, bytes.length);
  chunker.room.set(bytes);
  const lengths: number[] = [];
  let at = 0;
  for (;;) {
    const end = chunker.cut(chunker.room, at, bytes.length);
    if (end < 0) break;
    lengths.push(end - at);
    at = end;
  }
  if (chunker.pending > 0) lengths.push(chunker.pending);
  return lengths;
}

/** The definition, byte by byte, with nothing skipped. */
function slowLengths(bytes: Uint8Array, by: ChunkerPlan): number[] {
  const lengths: number[] = [];
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    length++;
    let hash = 0;
    for (let back = Math.min(length, 32) - 1; back >= 0; back--)
      hash = ((hash << 1) + (by.table[bytes[at - back] as number] as number)) | 0;
    const mask = length < by.normalBytes ? by.strictMask : by.looseMask;
    if ((length >= by.minBytes && (hash & mask) === 0) || length === by.maxBytes) {
      lengths.push(length);
      length = 0;
    }
  }
  if (length > 0) lengths.push(length);
  return lengths;
}

const streams = fc
  .tuple(fc.string(), fc.integer({ min: 0, max: 20_000 }))
  .map(([seed, length]) => seededRandom(seed).bytes(length));

describe('cutting', () => {
  it('follows the definition', () => {
    fc.assert(
      fc.property(streams, (bytes) => {
        expect(chunkLengths(bytes)).toEqual(slowLengths(bytes, plan));
      }),
      { numRuns: 50 },
    );
  });

  it('finds the same boundaries whatever pieces the stream comes in', () => {
    fc.assert(
      fc.property(streams, fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }), (bytes, steps) => {
        const chunker = new Chunker(plan, 1_000);
        const lengths: number[] = [];
        let fed = 0;
        for (let turn = 0; fed < bytes.length; turn++) {
          const next = bytes.subarray(fed, fed + (steps[turn % steps.length] as number));
          // Anywhere in the room.
          const piece = chunker.room.subarray(turn % 300, (turn % 300) + next.length);
          piece.set(next);
          let at = 0;
          while (at < piece.length) {
            const before = chunker.pending;
            const end = chunker.cut(piece, at, piece.length);
            if (end < 0) break;
            lengths.push(before + end - at);
            at = end;
          }
          fed += piece.length;
        }
        if (chunker.pending > 0) lengths.push(chunker.pending);
        expect(lengths).toEqual(chunkLengths(bytes));
      }),
    );
  });

  it('keeps every chunk but the last within the bounds', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          streams,
          fc.integer({ min: 0, max: 9_000 }).map((n) => Buffer.alloc(n, 7)),
        ),
        (bytes) => {
          const lengths = chunkLengths(bytes);
          expect(lengths.reduce((sum, each) => sum + each, 0)).toBe(bytes.length);
          for (const length of lengths) expect(length).toBeLessThanOrEqual(1024);
          for (const length of lengths.slice(0, -1)) expect(length).toBeGreaterThanOrEqual(64);
        },
      ),
    );
  });

  it('after an edit meets the old boundaries again within a few chunks', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.integer({ min: 0, max: 40_000 }),
        fc.uint8Array({ maxLength: 50 }),
        fc.integer({ min: 0, max: 50 }),
        (seed, place, put, cutOut) => {
          const before = seededRandom(seed).bytes(80_000);
          const after = Buffer.concat([before.subarray(0, place), put, before.subarray(place + cutOut)]);
          const shift = after.length - before.length;
          const ends = (lengths: number[], by: number) => {
            let at = by;
            return new Set(lengths.map((length) => (at += length)));
          };
          const old = ends(chunkLengths(before), shift);
          const fresh = [...ends(chunkLengths(after), 0)].filter((end) => end > place + 20_000);
          expect(fresh.length).toBeGreaterThan(20);
          expect(fresh.every((end) => old.has(end))).toBe(true);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('is near the normal length on random bytes with the default bounds', () => {
    const lengths = chunkLengths(seededRandom('long').bytes(48 << 20), planChunker(Buffer.alloc(32, 2)));
    const mean = lengths.reduce((sum, each) => sum + each, 0) / lengths.length;
    expect(mean).toBeGreaterThan(0.8 * (1 << 20));
    expect(mean).toBeLessThan(1.7 * (1 << 20));
  });

  it('puts boundaries elsewhere under another key', () => {
    const bytes = seededRandom('same').bytes(50_000);
    expect(chunkLengths(bytes, planChunker(Buffer.alloc(32, 3), SMALL))).not.toEqual(chunkLengths(bytes));
  });

  it('refuses what does not lie in its room, and more of it than there is', () => {
    const chunker = new Chunker(plan, 100);
    expect(() => chunker.cut(Buffer.alloc(100), 0, 100)).toThrow(TypeError);
    expect(() => chunker.cut(chunker.room, 0, 101)).toThrow(TypeError);
    expect(chunker.room).toHaveLength(100);
  });

  it('runs what its source says', async () => {
    const source = readFileSync(new URL('./gear-search.wat', import.meta.url), 'utf8');
    const { buffer } = (await wabt()).parseWat('gear-search.wat', source).toBinary({});
    expect(GEAR_SEARCH.toString('base64')).toBe(Buffer.from(buffer).toString('base64'));
  });

  it('refuses bounds that the format does not hold', () => {
    for (const bad of [
      { ...SMALL, minBytes: 10 },
      { ...SMALL, normalBytes: 300 },
      { ...SMALL, maxBytes: 200 },
      { minBytes: 512, normalBytes: 1024, maxBytes: 9 << 20 },
    ]) {
      expect(() => planChunker(Buffer.alloc(32), bad)).toThrowError(expect.objectContaining({ kind: 'Validation' }));
    }
  });
});
