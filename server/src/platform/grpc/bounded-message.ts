import { holdsNoMore, type MessageShape } from '@holdfast/core/engine';

/**
 * Reads a message only after its elements were counted: an empty one takes two bytes to send, and hundreds and a microsecond to make
 * something of. What is thrown ends the call.
 */
export function boundedMessage<Message>(
  codec: { decode(bytes: Uint8Array): Message },
  shape: MessageShape,
): (bytes: Buffer) => Message {
  return (bytes) => {
    if (!holdsNoMore(bytes, shape)) throw new RangeError('The message holds more than it may.');
    return codec.decode(bytes);
  };
}
