import { damaged } from './format-errors.js';
import { hasShape, type MessageShape } from './message-shape.js';

/** What the code generator makes of a message, as far as reading and writing go. */
export interface MessageCodec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

export function encodeMessage<T>(codec: MessageCodec<T>, message: T): Buffer {
  return asBuffer(codec.encode(message).finish());
}

/**
 * Reads a stored message and refuses every spelling but the one a writer produces: fields in order
 * of their numbers, defaults left out, shortest varints. So an unknown field, a repeated one and a
 * trailing byte are all errors, and equal content has equal bytes. `shape` names the fields that are repeated.
 */
export function decodeMessage<T>(
  codec: MessageCodec<T>,
  bytes: Uint8Array,
  what: string,
  maxBytes: number,
  shape: MessageShape = {},
): T {
  if (bytes.length > maxBytes) {
    throw damaged(
      'OBJECT_TOO_LARGE',
      `The ${what} has ${bytes.length} bytes, more than the ${maxBytes} that the format allows.`,
    );
  }
  if (!hasShape(bytes, shape))
    throw damaged(
      'MALFORMED_MESSAGE',
      `The ${what} has fields out of their order, or more of them than the format allows.`,
    );
  let message: T;
  let again: Buffer;
  try {
    message = codec.decode(bytes);
    again = encodeMessage(codec, message);
  } catch (cause) {
    throw damaged('MALFORMED_MESSAGE', `The ${what} cannot be read.`, undefined, cause);
  }
  if (!again.equals(bytes)) {
    throw damaged('NOT_CANONICAL', `The ${what} is not encoded as the format prescribes.`);
  }
  return message;
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
