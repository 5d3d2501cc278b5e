import type { FrameEntry, PackFooter } from '@holdfast/proto/vault';
import { sha256 } from '../chunks/hmac-sha256.js';
import { damaged } from '../format/format-errors.js';
import { MAX_PACK_BYTES } from '../format/limits.js';
import { frameCheck } from '../frames/frame-check.js';
import { packName } from '../objects/object-names.js';
import type { ObjectStore } from '../stores/object-store.js';
import { objectNotFound } from '../stores/store-errors.js';
import {
  decodePackHeader,
  decodePackTrailer,
  framesEnd,
  PACK_HEADER_BYTES,
  PACK_TRAILER_BYTES,
  parsePackFooter,
} from './pack-format.js';

/**
 * The footer of a stored pack, checked against the object around it: three small reads. Throws NotFound
 * for an absent pack, Integrity for a damaged one.
 */
export async function readPackFooter(store: ObjectStore, packId: Uint8Array): Promise<PackFooter> {
  const name = packName(packId);
  const size = (await store.stat(name))?.size;
  if (size === undefined) throw objectNotFound(name);
  if (size < PACK_HEADER_BYTES + PACK_TRAILER_BYTES || size > MAX_PACK_BYTES) {
    throw damaged('PACK_LENGTH', `${name} has ${size} bytes, which no pack has.`, { object: name });
  }
  const kind = decodePackHeader(await store.get(name, { offset: 0, length: PACK_HEADER_BYTES }));
  const end = size - PACK_TRAILER_BYTES;
  const trailer = decodePackTrailer(await store.get(name, { offset: end, length: PACK_TRAILER_BYTES }), size);
  const start = end - trailer.footerLength;
  const bytes = await store.get(name, { offset: start, length: trailer.footerLength });
  if (!sha256(bytes).equals(trailer.footerSha256))
    throw damaged('FOOTER_HASH', `The footer of ${name} is damaged.`, { object: name });
  const footer = parsePackFooter(bytes);
  if (!footer.packId.equals(packId) || footer.kind !== kind || framesEnd(footer) !== start) {
    throw damaged('MALFORMED_FOOTER', `The footer of ${name} describes another pack.`, { object: name });
  }
  return footer;
}

/** A frame's stored bytes, compared with the check in its entry. Throws NotFound or Integrity. */
export async function readFrame(store: ObjectStore, packId: Uint8Array, entry: FrameEntry): Promise<Buffer> {
  const name = packName(packId);
  const stored = await store.get(name, { offset: Number(entry.offset), length: entry.storedLength });
  verifyStoredFrame(entry, stored);
  return stored;
}

/** Throws Integrity unless these are the bytes that the entry describes. Needs no key. */
export function verifyStoredFrame(entry: FrameEntry, stored: Uint8Array): void {
  if (stored.length !== entry.storedLength || !frameCheck(stored).equals(entry.storedCheck)) {
    throw damaged('FRAME_HASH', 'A frame is not what its footer says.');
  }
}
