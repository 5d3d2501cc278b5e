/**
 * A pack is the stored object: header (16 bytes), frames one after another, footer (PackFooter, in
 * clear), trailer (48 bytes). The footer says where each frame lies, the check of its stored bytes and
 * which chunks it holds, so that everything but opening frames works without a key.
 *
 * Nothing that a pack says is believed before it is checked: lengths against caps and against each
 * other, then the footer's hash, then its rules, then each frame's check as it is read.
 */
import { FrameEntry, PackFooter, PackKind } from '@holdfast/proto/vault';
import { sha256 } from '../chunks/hmac-sha256.js';
import { asBuffer, decodeMessage, encodeMessage } from '../format/canonical.js';
import { damaged } from '../format/format-errors.js';
import {
  ID_BYTES,
  MAX_FOOTER_BYTES,
  MAX_PACK_BYTES,
  MAX_PACK_CHUNKS,
  MAX_PACK_FRAMES,
  UUID_BYTES,
} from '../format/limits.js';
import type { MessageShape } from '../format/message-shape.js';
import { checkFrameEntry, frameShape } from '../frames/frame.js';
import { checkWrappedSessionKey } from '../sealing/session-keys.js';

/** Of a PackFooter: frames (6). */
export const footerShape = (mostFrames: number, mostEdges: number): MessageShape => ({
  6: { most: mostFrames, inside: frameShape(mostEdges) },
});
const SHAPE = footerShape(MAX_PACK_FRAMES, MAX_PACK_CHUNKS);

export const PACK_HEADER_BYTES = 16;
export const PACK_TRAILER_BYTES = 48;
const HEADER_MAGIC = Buffer.from('HFPACK', 'ascii');
const TRAILER_MAGIC = Buffer.from('HFPKTAIL', 'ascii');
const VERSION = 1;

/** "HFPACK" ‖ u16le version ‖ u8 kind ‖ 7 zero bytes. */
export function encodePackHeader(kind: PackKind): Buffer {
  const header = Buffer.alloc(PACK_HEADER_BYTES);
  header.set(HEADER_MAGIC);
  header.writeUInt16LE(VERSION, 6);
  header.writeUInt8(kind, 8);
  return header;
}

/** The kind that a header states. Throws Integrity on anything but a header of this version. */
export function decodePackHeader(bytes: Uint8Array): PackKind {
  const kind = bytes[8] as PackKind;
  const known = kind === PackKind.PACK_KIND_DATA || kind === PackKind.PACK_KIND_NODE;
  if (!known || !encodePackHeader(kind).equals(bytes))
    throw damaged('PACK_HEADER', 'A pack does not start as packs of this version do.');
  return kind;
}

/** u32le footer length ‖ u32le zero ‖ SHA-256 of the footer ‖ "HFPKTAIL". */
export function encodePackTrailer(footer: Uint8Array): Buffer {
  const trailer = Buffer.alloc(PACK_TRAILER_BYTES);
  trailer.writeUInt32LE(footer.length, 0);
  trailer.set(sha256(footer), 8);
  trailer.set(TRAILER_MAGIC, 40);
  return trailer;
}

export interface PackTrailer {
  readonly footerLength: number;
  readonly footerSha256: Buffer;
}

/** @param packLength length of the whole object, which the footer must fit into */
export function decodePackTrailer(bytes: Uint8Array, packLength: number): PackTrailer {
  const trailer = asBuffer(bytes);
  const sound =
    trailer.length === PACK_TRAILER_BYTES &&
    trailer.subarray(40).equals(TRAILER_MAGIC) &&
    trailer.readUInt32LE(4) === 0;
  if (!sound) throw damaged('PACK_TRAILER', 'A pack does not end as packs of this version do.');
  const footerLength = trailer.readUInt32LE(0);
  if (footerLength > MAX_FOOTER_BYTES || PACK_HEADER_BYTES + footerLength + PACK_TRAILER_BYTES > packLength) {
    throw damaged('PACK_TRAILER', 'A pack states a footer that it cannot hold.');
  }
  return { footerLength, footerSha256: Buffer.from(trailer.subarray(8, 40)) };
}

export function encodePackFooter(footer: PackFooter): Buffer {
  return encodeMessage(PackFooter, footer);
}

/** Reads a footer and checks every rule that does not need the frames. Throws Integrity. */
export function parsePackFooter(bytes: Uint8Array): PackFooter {
  const footer = decodeMessage(PackFooter, bytes, 'pack footer', MAX_FOOTER_BYTES, SHAPE);
  checkPackFooter(footer);
  return footer;
}

export function checkPackFooter(footer: PackFooter): void {
  const ids = [footer.vaultId, footer.packId, footer.domainId, footer.uploaderId];
  if (ids.some((id) => id.length !== UUID_BYTES)) throw malformed('an id has a wrong length');
  checkWrappedSessionKey(footer.sessionKey);
  if (footer.frames.length === 0 || footer.frames.length > MAX_PACK_FRAMES)
    throw malformed('its number of frames is out of bounds');
  let offset = PACK_HEADER_BYTES;
  let chunks = 0;
  const named = new Set<string>();
  for (const frame of footer.frames) {
    checkFrameEntry(frame, footer.kind);
    if (frame.offset !== BigInt(offset)) throw malformed('its frames do not follow each other');
    offset += frame.storedLength;
    chunks += frame.chunkLengths.length;
    if (offset > MAX_PACK_BYTES || chunks > MAX_PACK_CHUNKS) throw malformed('it holds more than a pack may');
    for (let at = 0; at < frame.chunkIds.length; at += ID_BYTES)
      named.add(frame.chunkIds.toString('latin1', at, at + ID_BYTES));
    if (named.size !== chunks) throw malformed('it holds a chunk twice');
  }
}

/** Where the frames end and the footer starts. */
export function framesEnd(footer: PackFooter): number {
  const last = footer.frames.at(-1) as FrameEntry;
  return Number(last.offset) + last.storedLength;
}

function malformed(why: string) {
  return damaged('MALFORMED_FOOTER', `A pack's footer breaks the format: ${why}.`);
}
