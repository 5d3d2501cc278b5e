import { Codec, type FrameEntry } from '@holdfast/proto/vault';
import { type ChunkHasher, verifyChunk } from '../chunks/chunk-hasher.js';
import { damaged } from '../format/format-errors.js';
import { idAt, NO_IDS } from '../format/id-set.js';
import { BODY_LENGTH_BYTES, checkFrameEntry, type FrameContext, frameBinding } from './frame.js';
import { type FrameCodec, nodeCodec, TAG_BYTES } from './frame-codec.js';

/**
 * The frame's plaintext, in memory of its own. Authentic to whoever sealed it, no more: the caller still verifies each
 * chunk's id (`openChunks` does both). Throws Integrity; also for a wrong key, which looks the same.
 */
export function openFrame(
  frameKey: Uint8Array,
  context: FrameContext,
  entry: FrameEntry,
  stored: Uint8Array,
  codec: FrameCodec = nodeCodec,
): Buffer {
  checkFrameEntry(entry, context.kind);
  if (stored.length !== entry.storedLength) {
    throw damaged('FRAME_LENGTH', `A frame has ${stored.length} bytes where its entry says ${entry.storedLength}.`);
  }
  const isRaw = entry.codec === Codec.CODEC_RAW;
  // A compressed body is of no more use once it is decompressed.
  const out = isRaw ? Buffer.allocUnsafeSlow(stored.length - TAG_BYTES) : undefined;
  const opened = codec.open(frameKey, frameBinding(context, entry), stored, out);
  if (opened === undefined) {
    throw damaged(
      'FRAME_NOT_AUTHENTIC',
      'A frame does not open: its bytes, its entry or its key are not the ones it was sealed with.',
    );
  }
  const bodyLength = opened.readUInt32LE(0);
  if (bodyLength > opened.length - BODY_LENGTH_BYTES)
    throw damaged('FRAME_BODY', 'A frame states a body longer than itself.');
  const body = opened.subarray(BODY_LENGTH_BYTES, BODY_LENGTH_BYTES + bodyLength);
  if (!isZero(opened.subarray(BODY_LENGTH_BYTES + bodyLength)))
    throw damaged('FRAME_PADDING', "A frame's padding is not zero.");
  if (isRaw) {
    if (bodyLength !== entry.plainLength)
      throw damaged('FRAME_BODY', 'A raw frame does not have the length it states.');
    return body;
  }
  const plaintext = codec.decompress(body, entry.plainLength);
  if (plaintext === undefined)
    throw damaged('FRAME_NOT_DECOMPRESSED', 'A frame does not decompress to the length it states.');
  return plaintext;
}

export interface OpenedChunk {
  readonly id: Buffer;
  readonly plaintext: Buffer;
  /** Nodes: sorted set; empty for data. */
  readonly edges: Buffer;
}

/** A frame's chunks as views of its plaintext, not verified: see `verifyChunk`. */
export function splitFrame(entry: FrameEntry, plaintext: Buffer): OpenedChunk[] {
  let at = 0;
  return entry.chunkLengths.map((length, index) => {
    const from = at;
    at += length;
    return {
      id: idAt(entry.chunkIds, index),
      plaintext: plaintext.subarray(from, at),
      edges: entry.edges[index] ?? NO_IDS,
    };
  });
}

/** Opens a frame and verifies every chunk's id. Throws Integrity on the first that is not what it claims. */
export function openChunks(
  hasher: ChunkHasher,
  frameKey: Uint8Array,
  context: FrameContext,
  entry: FrameEntry,
  stored: Uint8Array,
  codec?: FrameCodec,
): OpenedChunk[] {
  const chunks = splitFrame(entry, openFrame(frameKey, context, entry, stored, codec));
  for (const chunk of chunks) verifyChunk(hasher, context.kind, chunk.id, chunk.edges, chunk.plaintext);
  return chunks;
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
