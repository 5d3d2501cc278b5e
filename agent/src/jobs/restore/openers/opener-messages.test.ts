import { seededRandom } from '@holdfast/core/ids';
import { describe, expect, it } from 'vitest';
import type { NamedChunk } from './frame-opener.js';
import { packChunks, unpackChunks } from './opener-messages.js';

const random = seededRandom('openers');

/** Chunks that lie one after another in memory of their own, as those of an opened frame do. */
function frame(lengths: readonly number[], edges: readonly number[] = lengths.map(() => 0)): NamedChunk[] {
  const before = 4;
  const memory = Buffer.allocUnsafeSlow(before + lengths.reduce((sum, length) => sum + length, 0));
  random.bytes(memory.length).copy(memory);
  let at = before;
  return lengths.map((length, index) => {
    const id = random.bytes(32);
    const plaintext = memory.subarray(at, at + length);
    at += length;
    return { id, chunk: { id, plaintext, edges: random.bytes(32 * (edges[index] ?? 0)) } };
  });
}

function passedOn(chunks: readonly NamedChunk[]): NamedChunk[] {
  const packed = packChunks(chunks);
  return unpackChunks(structuredClone(packed, { transfer: [packed.contents] }));
}

/** As they were before their memory changed hands. */
const copied = (chunks: readonly NamedChunk[]): NamedChunk[] =>
  chunks.map(({ id, chunk }) => ({
    id,
    chunk: chunk && { id, plaintext: Buffer.from(chunk.plaintext), edges: Buffer.from(chunk.edges) },
  }));

describe('the chunks of a frame', () => {
  it.each([
    ['one', frame([70_000])],
    ['many', frame([1, 500, 3, 9_000, 1])],
    ['nodes with their edges', frame([40, 20, 60], [2, 0, 3])],
  ])('reach another thread as they are: %s', (_, chunks) => {
    const expected = copied(chunks);
    expect(passedOn(chunks)).toEqual(expected);
  });

  it('are told from those that are not what their ids name', () => {
    const chunks = frame([10, 20, 30], [1, 2, 3]);
    for (const [index, { id }] of chunks.entries()) if (index !== 1) chunks[index] = { id, chunk: undefined };
    const expected = copied(chunks);
    expect(passedOn(chunks)).toEqual(expected);
    const none = frame([5, 5]).map(({ id }) => ({ id, chunk: undefined }));
    expect(passedOn(none)).toEqual(none);
  });
});
