import { createDecipheriv } from 'node:crypto';
import { Codec, type FrameEntry } from '@holdfast/proto/vault';
import { type ChunkHasher, verifyChunk } from '../chunks/chunk-hasher.js';
import { asBuffer } from '../format/canonical.js';
import { damaged } from '../format/format-errors.js';
import { idAt, NO_IDS } from '../format/id-set.js';
import { KIB } from '../format/limits.js';
import { decompress } from './compression.js';
import { BODY_LENGTH_BYTES, checkFrameEntry, type FrameContext, frameBinding, TAG_BYTES } from './frame.js';

const NONCE = Buffer.alloc(12);
const CIPHER_STEP = 32 * KIB;

/**
 * The frame's plaintext. Authentic to whoever sealed it, no more: the caller still verifies each
 * chunk's id (`openChunks` does both). `out`, when given and large enough, is used as scratch and
 * may hold the result. Throws Integrity; also for a wrong key, which looks the same.
 */
export function openFrame(
  frameKey: Uint8Array,
  context: FrameContext,
  entry: FrameEntry,
  stored: Uint8Array,
  out?: Buffer,
): Buffer {
  checkFrameEntry(entry, context.kind);
  if (stored.length !== entry.storedLength) {
    throw damaged('FRAME_LENGTH', `A frame has ${stored.length} bytes where its entry says ${entry.storedLength}.`);
  }
  const opened = decrypt(frameKey, frameBinding(context, entry), asBuffer(stored), out);
  const bodyLength = opened.readUInt32LE(0);
  if (bodyLength > opened.length - BODY_LENGTH_BYTES)
    throw damaged('FRAME_BODY', 'A frame states a body longer than itself.');
  const body = opened.subarray(BODY_LENGTH_BYTES, BODY_LENGTH_BYTES + bodyLength);
  if (!isZero(opened.subarray(BODY_LENGTH_BYTES + bodyLength)))
    throw damaged('FRAME_PADDING', "A frame's padding is not zero.");
  if (entry.codec === Codec.CODEC_ZSTD) return decompress(body, entry.plainLength);
  if (bodyLength !== entry.plainLength) throw damaged('FRAME_BODY', 'A raw frame does not have the length it states.');
  return body;
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
  out?: Buffer,
): OpenedChunk[] {
  const chunks = splitFrame(entry, openFrame(frameKey, context, entry, stored, out));
  for (const chunk of chunks) verifyChunk(hasher, context.kind, chunk.id, chunk.edges, chunk.plaintext);
  return chunks;
}

function decrypt(key: Uint8Array, binding: Buffer, stored: Buffer, out: Buffer | undefined): Buffer {
  const length = stored.length - TAG_BYTES;
  const opened = out && out.length >= length ? out.subarray(0, length) : Buffer.allocUnsafeSlow(length);
  const decipher = createDecipheriv('aes-256-gcm', key, NONCE, { authTagLength: TAG_BYTES });
  decipher.setAAD(binding);
  decipher.setAuthTag(stored.subarray(length));
  for (let at = 0; at < length; at += CIPHER_STEP) {
    opened.set(decipher.update(stored.subarray(at, Math.min(at + CIPHER_STEP, length))), at);
  }
  try {
    decipher.final();
  } catch (cause) {
    // What was decrypted so far is not authentic, and `out` belongs to the caller.
    opened.fill(0);
    throw damaged(
      'FRAME_NOT_AUTHENTIC',
      'A frame does not open: its bytes, its entry or its key are not the ones it was sealed with.',
      undefined,
      cause,
    );
  }
  return opened;
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
