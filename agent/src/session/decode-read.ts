import { ReadChunksResponse } from '@holdfast/proto/v1';

const PIECE_FIELD = 0x12;
const MOST_LENGTH_BYTES = 4;

/**
 * A read's message. A piece stays where it lies in the message, uncopied, for pieces are all that a restore receives; every other
 * shape, also an unusual encoding of a piece, is left to the generated decoder.
 */
export function decodeRead(message: Buffer): ReadChunksResponse {
  const value = message[0] === PIECE_FIELD ? pieceOf(message) : undefined;
  return value === undefined ? ReadChunksResponse.decode(message) : { part: { $case: 'piece', value } };
}

/** Undefined unless it is all of the message. */
function pieceOf(message: Buffer): Buffer | undefined {
  let length = 0;
  for (let place = 0; place < MOST_LENGTH_BYTES; place++) {
    const byte = message[1 + place];
    if (byte === undefined) return undefined;
    length |= (byte & 0x7f) << (7 * place);
    if (byte > 0x7f) continue;
    const piece = message.subarray(2 + place);
    return piece.length === length ? piece : undefined;
  }
  return undefined;
}
