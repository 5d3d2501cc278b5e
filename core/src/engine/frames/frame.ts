/**
 * A frame is what is compressed and sealed together: one large chunk, or many small ones.
 *
 * Stored bytes = AES-256-GCM(frame key, nonce 0, u32le body length ‖ body ‖ zero padding) ‖ tag.
 * The key is derived from the session key and from everything that decides the plaintext, so one
 * key meets one plaintext and the nonce can stay fixed: a cloned machine, a crash or a second
 * thread cannot repeat a pair of key and nonce with other content. A session key lives in one
 * process, is never written down by its owner, and its frames are compressed by one build of zstd.
 */
import { createHash } from 'node:crypto';
import { Codec, FrameEntry, PackKind } from '@holdfast/proto/vault';
import { decodeMessage, encodeMessage } from '../format/canonical.js';
import { damaged } from '../format/format-errors.js';
import { idCount, isSortedIdSet } from '../format/id-set.js';
import {
  ID_BYTES,
  MAX_CHUNK_BYTES,
  MAX_FOOTER_BYTES,
  MAX_FRAME_CHUNKS,
  MAX_FRAME_PLAIN_BYTES,
  MAX_FRAME_STORED_BYTES,
  MAX_NODE_EDGES,
  MAX_PACK_BYTES,
} from '../format/limits.js';
import type { MessageShape } from '../format/message-shape.js';
import type { KeyDeriver } from '../sealing/hkdf.js';
import { FRAME_CHECK_BYTES } from './frame-check.js';
import { TAG_BYTES } from './frame-codec.js';

export const BODY_LENGTH_BYTES = 4;
/** Tag, body length and one byte of body. */
export const MIN_FRAME_STORED_BYTES = TAG_BYTES + BODY_LENGTH_BYTES + 1;

/** Where a frame belongs. Bound into its seal, so a frame cannot be passed off in another place. */
export interface FrameContext {
  /** 16 bytes. */
  readonly vaultId: Uint8Array;
  /** 16 bytes. */
  readonly domainId: Uint8Array;
  readonly kind: PackKind;
}

/** What the key and the seal depend on. */
export type FrameInfo = Pick<FrameEntry, 'codec' | 'plainLength' | 'storedLength' | 'chunkIds' | 'chunkLengths'>;

// A chunk's length is a varint of up to four bytes, for the longest chunk has 2^23.
const LENGTHS_BYTES = MAX_FRAME_CHUNKS * 4;
/** Of a FrameEntry: chunk_lengths (7) and edges (8). */
export const frameShape = (mostEdges: number): MessageShape => ({
  7: { longest: LENGTHS_BYTES },
  8: { most: mostEdges },
});

const KEY_LABEL = Buffer.from('holdfast frame key v1', 'ascii');
const SEAL_LABEL = Buffer.from('holdfast frame v1', 'ascii');

/** What tells this frame from every other of its session: input to its key, and to the release of its key. */
export function frameDigest(info: FrameInfo): Buffer {
  const tail = Buffer.alloc(9);
  tail.writeUInt8(info.codec, 0);
  tail.writeUInt32LE(info.plainLength, 1);
  tail.writeUInt32LE(info.storedLength, 5);
  return createHash('sha256').update(KEY_LABEL).update(info.chunkIds).update(tail).digest();
}

/** The frame's own key. Whoever holds it can open this frame and no other. */
export function deriveFrameKey(session: KeyDeriver, info: FrameInfo): Buffer {
  return session.derive(frameDigest(info));
}

/** Additional data of the frame's seal. */
export function frameBinding(context: FrameContext, info: FrameInfo): Buffer {
  const lengths = Buffer.alloc(info.chunkLengths.length * 4);
  for (const [index, length] of info.chunkLengths.entries()) lengths.writeUInt32LE(length, index * 4);
  const chunks = createHash('sha256').update(info.chunkIds).update(lengths).digest();
  return Buffer.concat([SEAL_LABEL, context.vaultId, context.domainId, Buffer.of(context.kind, info.codec), chunks]);
}

/** One entry as bytes of its own, as it travels beside a frame. */
export function encodeFrameEntry(entry: FrameEntry): Buffer {
  return encodeMessage(FrameEntry, entry);
}

/** Reads and checks an entry that came beside a frame. Throws Integrity. */
export function decodeFrameEntry(bytes: Uint8Array, kind: PackKind): FrameEntry {
  const entry = decodeMessage(FrameEntry, bytes, 'frame entry', MAX_FOOTER_BYTES, frameShape(MAX_FRAME_CHUNKS));
  checkFrameEntry(entry, kind);
  return entry;
}

/** Throws Integrity unless the entry keeps the format's rules, whatever stands around it. */
export function checkFrameEntry(entry: FrameEntry, kind: PackKind): void {
  const count = entry.chunkLengths.length;
  if (entry.codec !== Codec.CODEC_RAW && entry.codec !== Codec.CODEC_ZSTD) throw malformed('its codec is unknown');
  if (entry.storedLength < MIN_FRAME_STORED_BYTES || entry.storedLength > MAX_FRAME_STORED_BYTES)
    throw malformed('its length is out of bounds');
  if (entry.offset > BigInt(MAX_PACK_BYTES)) throw malformed('its offset is out of bounds');
  if (entry.plainLength > MAX_FRAME_PLAIN_BYTES) throw malformed('its plaintext is too long');
  if (entry.storedCheck.length !== FRAME_CHECK_BYTES) throw malformed('its check has a wrong length');
  if (count === 0 || count > MAX_FRAME_CHUNKS) throw malformed('its number of chunks is out of bounds');
  if (entry.chunkIds.length !== count * ID_BYTES) throw malformed('its chunk ids and lengths do not match');
  let total = 0;
  for (const length of entry.chunkLengths) {
    if (length === 0 || length > MAX_CHUNK_BYTES) throw malformed("a chunk's length is out of bounds");
    total += length;
  }
  if (total !== entry.plainLength) throw malformed('its chunk lengths do not add up');
  checkEdges(entry, kind, count);
}

function checkEdges(entry: FrameEntry, kind: PackKind, count: number): void {
  if (kind === PackKind.PACK_KIND_DATA) {
    if (entry.edges.length !== 0) throw malformed('data has no edges');
    return;
  }
  if (kind !== PackKind.PACK_KIND_NODE) throw malformed('its kind is unknown');
  if (entry.edges.length !== count) throw malformed('its nodes and edge sets do not match');
  for (const edges of entry.edges) {
    if (idCount(edges) > MAX_NODE_EDGES) throw malformed('a node has too many edges');
    if (!isSortedIdSet(edges)) throw malformed("a node's edges are not a sorted set");
  }
}

function malformed(why: string) {
  return damaged('MALFORMED_FRAME_ENTRY', `A frame's entry breaks the format: ${why}.`);
}
