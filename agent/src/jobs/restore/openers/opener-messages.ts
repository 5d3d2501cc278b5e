import type { WireError } from '@holdfast/core/errors';
import type { IncomingFrame } from '../../data-transport.js';
import { splitIds } from '../../ids.js';
import type { NamedChunk } from './frame-opener.js';

export type ToOpener =
  | { readonly kind: 'open'; readonly call: number; readonly frame: IncomingFrame }
  | { readonly kind: 'close' };

export type FromOpener = { readonly call: number } & (
  | { readonly opened: PackedChunks }
  | { readonly error: WireError }
);

/** The chunks of a frame for another thread: many small buffers cost more to copy than to open. */
export interface PackedChunks {
  /** 32 bytes each. */
  readonly ids: Uint8Array;
  /** Of each chunk's content; -1 for one that is not what its id names. */
  readonly lengths: Int32Array;
  /** Edges of each node, where there are any: 32 bytes each, one set after another. */
  readonly edges: Uint8Array;
  readonly edgeBytes: Uint32Array;
  /** All contents, one after another. It changes hands. */
  readonly contents: ArrayBuffer;
  /** Where they begin in it. */
  readonly from: number;
}

const NO_EDGES = Buffer.alloc(0);

export function packChunks(chunks: readonly NamedChunk[]): PackedChunks {
  const { contents, from } = contentsOf(chunks);
  return {
    ids: Buffer.concat(chunks.map(({ id }) => id)),
    lengths: Int32Array.from(chunks, ({ chunk }) => chunk?.plaintext.length ?? -1),
    edges: Buffer.concat(chunks.map(({ chunk }) => chunk?.edges ?? NO_EDGES)),
    edgeBytes: Uint32Array.from(chunks, ({ chunk }) => chunk?.edges.length ?? 0),
    contents,
    from,
  };
}

export function unpackChunks({ ids, lengths, edges, edgeBytes, contents, from }: PackedChunks): NamedChunk[] {
  let at = from;
  let edgesAt = 0;
  const bytes = Buffer.from(edges.buffer, edges.byteOffset, edges.length);
  return splitIds(Buffer.from(ids.buffer, ids.byteOffset, ids.length)).map((id, index) => {
    const length = lengths[index] as number;
    const edgesEnd = edgesAt + (edgeBytes[index] as number);
    if (length < 0) return { id, chunk: undefined };
    const plaintext = Buffer.from(contents, at, length);
    const chunk = { id, plaintext, edges: bytes.subarray(edgesAt, edgesEnd) };
    at += length;
    edgesAt = edgesEnd;
    return { id, chunk };
  });
}

/** Whole frames lie in memory of their own already, in this order. */
function contentsOf(chunks: readonly NamedChunk[]): { readonly contents: ArrayBuffer; readonly from: number } {
  const [first] = chunks;
  const memory = first?.chunk?.plaintext;
  if (memory && chunks.every(({ chunk }) => chunk !== undefined) && memory.buffer instanceof ArrayBuffer)
    return { contents: memory.buffer, from: memory.byteOffset };
  const sound = chunks.flatMap(({ chunk }) => (chunk ? [chunk.plaintext] : []));
  const copy = Buffer.allocUnsafeSlow(sound.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const plaintext of sound) {
    copy.set(plaintext, at);
    at += plaintext.length;
  }
  return { contents: copy.buffer, from: 0 };
}
