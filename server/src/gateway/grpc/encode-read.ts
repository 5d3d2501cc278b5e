import { ReadChunksResponse } from '@holdfast/proto/v1';

/** In pieces of this size they stay in a processor's cache on their way. */
export const READ_PIECE_BYTES = 256 * 1024;
const SMALLEST_READ_PIECE_BYTES = 4 * 1024;
const PIECE_FIELD = 0x12;
const MOST_HEAD_BYTES = 5;

/** The transport copies a message behind its own head as soon as it has it, so every piece can be made in the same place. */
const place = Buffer.allocUnsafeSlow(MOST_HEAD_BYTES + READ_PIECE_BYTES);

/** For a reader who asked for so many; 0: who did not ask. */
export function readPieceBytes(asked: number): number {
  return asked === 0 ? READ_PIECE_BYTES : Math.min(READ_PIECE_BYTES, Math.max(SMALLEST_READ_PIECE_BYTES, asked));
}

/**
 * A read's message. Pieces of frames are all that a restore receives, and protobuf's encoder would copy them twice, into
 * memory that grows; every other shape is left to it.
 */
export function encodeRead(response: ReadChunksResponse): Buffer {
  const { part } = response;
  if (part?.$case !== 'piece' || part.value.length > READ_PIECE_BYTES)
    return Buffer.from(ReadChunksResponse.encode(response).finish());
  let at = 0;
  place[at++] = PIECE_FIELD;
  let left = part.value.length;
  for (; left > 0x7f; left >>>= 7) place[at++] = (left & 0x7f) | 0x80;
  place[at++] = left;
  place.set(part.value, at);
  return place.subarray(0, at + part.value.length);
}
