import { UploadPackRequest } from '@holdfast/proto/v1';

const FRAME_FIELD = 0x12;
const DATA_FIELD = 0x0a;
const LAST_FIELD = 0x10;

/**
 * An upload's message. A piece of a frame stays where it lies in the message, uncopied, for pieces are all that a backup
 * sends; every other shape, also an unusual encoding of a piece, is left to the generated decoder.
 */
export function decodeUpload(message: Buffer): UploadPackRequest {
  return decodePiece(message) ?? UploadPackRequest.decode(message);
}

function decodePiece(message: Buffer): UploadPackRequest | undefined {
  if (message[0] !== FRAME_FIELD) return undefined;
  const frame = readLength(message, 1);
  if (frame === undefined || frame.at + frame.length !== message.length) return undefined;
  const last = message[frame.at] === LAST_FIELD;
  if (last && message[frame.at + 1] !== 1) return undefined;
  const field = last ? frame.at + 2 : frame.at;
  if (message[field] !== DATA_FIELD) return undefined;
  const data = readLength(message, field + 1);
  if (data === undefined || data.at + data.length !== message.length) return undefined;
  return { part: { $case: 'frame', value: { data: message.subarray(data.at), last } } };
}

/** A varint of up to four bytes; undefined for anything else. */
function readLength(message: Buffer, from: number): { readonly length: number; readonly at: number } | undefined {
  let length = 0;
  for (let place = 0; place < 4; place++) {
    const byte = message[from + place];
    if (byte === undefined) return undefined;
    length |= (byte & 0x7f) << (7 * place);
    if (byte < 0x80) return { length, at: from + place + 1 };
  }
  return undefined;
}
