import type { Clock } from '../clock/index.js';
import { HoldfastError } from '../errors/index.js';
import type { Random } from './random.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Makes ids: lower-case UUID strings that sort by creation time, also inside one millisecond. */
export type IdSource = () => string;

/**
 * UUID version 7 (RFC 9562, section 5.7) with the 12 bits after the time as a counter (section 6.2,
 * method 1). When the wall clock goes back, ids go on from the last time they had.
 */
export function createIdSource(ports: { readonly clock: Clock; readonly random: Random }): IdSource {
  let time = 0;
  let counter = 0;
  return () => {
    const bytes = ports.random.bytes(16);
    const now = ports.clock.now();
    if (now > time) {
      time = now;
      counter = bytes.readUInt16BE(6) & 0x7ff;
    } else if (++counter > 0xfff) {
      time += 1;
      counter = 0;
    }
    bytes.writeUIntBE(time, 0, 6);
    bytes.writeUInt16BE(0x7000 | counter, 6);
    bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
    return uuidFromBytes(bytes);
  };
}

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** 16 bytes to the usual lower-case form. Throws Validation on another length. */
export function uuidFromBytes(bytes: Uint8Array): string {
  if (bytes.length !== 16) throw malformed(`an id has 16 bytes, not ${bytes.length}`);
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, 16).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The 16 bytes of a UUID in its usual lower-case form. Throws Validation on anything else. */
export function uuidToBytes(uuid: string): Buffer {
  if (!isUuid(uuid)) throw malformed('not a UUID in lower-case form');
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

function malformed(message: string): HoldfastError {
  return new HoldfastError({ kind: 'Validation', code: 'MALFORMED_ID', message });
}
