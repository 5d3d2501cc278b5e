/**
 * One piece of a frame as a message on the wire: `UploadPackRequest { frame { last, data } }`. Encoded by hand into memory that is
 * used again, because fresh memory for every piece costs page faults and, above all, garbage collections.
 */

/** Small enough to stay in a processor's cache from here to the socket. */
export const PIECE_BYTES = 256 * 1024;
/** Of what has to come again: a piece counts once it is whole, so over the slowest link one has to come within a turn at the gateway. */
export const SMALL_PIECE_BYTES = 32 * 1024;
const HEAD_BYTES = 16;
const FRAME_FIELD = 0x12;
const DATA_FIELD = 0x0a;
const LAST_FIELD = 0x10;

/** Returns the message, in `place`. */
export function encodePiece(place: Buffer, data: Buffer, last: boolean): Buffer {
  // Written backwards from where the data starts, as each length counts what follows it.
  place.set(data, HEAD_BYTES);
  let at = HEAD_BYTES;
  at = prependLength(place, at, data.length);
  place[--at] = DATA_FIELD;
  if (last) {
    place[--at] = 1;
    place[--at] = LAST_FIELD;
  }
  const end = HEAD_BYTES + data.length;
  at = prependLength(place, at, end - at);
  place[--at] = FRAME_FIELD;
  return place.subarray(at, end);
}

/** A varint that ends before `at`; returns where it starts. */
function prependLength(place: Buffer, at: number, length: number): number {
  const bytes: number[] = [];
  for (let left = length; ; left >>>= 7) {
    bytes.push(left > 0x7f ? (left & 0x7f) | 0x80 : left);
    if (left <= 0x7f) break;
  }
  place.set(bytes, at - bytes.length);
  return at - bytes.length;
}

const PLACES = 8;

/** The memory of the pieces of one upload that are on their way to the socket. */
export class PieceMemory {
  private readonly places: Buffer[] = [];
  private made = 0;

  /** Undefined while all of it is on its way. */
  next(): Buffer | undefined {
    const place = this.places.pop();
    if (place !== undefined || this.made === PLACES) return place;
    this.made += 1;
    return Buffer.allocUnsafeSlow(HEAD_BYTES + PIECE_BYTES);
  }

  giveBack(place: Buffer): void {
    this.places.push(place);
  }
}
