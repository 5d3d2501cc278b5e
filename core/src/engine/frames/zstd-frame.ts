import { KIB, MIB } from '../format/limits.js';

const MAGIC = 0xfd2fb528;
const FIXED_BYTES = 5;
const SINGLE_SEGMENT = 1 << 5;
const CHECKSUM = 1 << 2;
/** Reserved, without a meaning, or the length of a dictionary's id. */
const NOT_OURS = 0b0001_1011;
const CHECKSUM_BYTES = 4;
const BLOCK_HEADER_BYTES = 3;
const MOST_WINDOW_BYTES = 8 * MIB;
const MOST_BLOCK_BYTES = 128 * KIB;

const REPEATED = 1;
const RESERVED = 3;

/**
 * Whether these bytes are, from the first to the last, one zstd frame (RFC 8878, 3.1.1) that states this length of its content, needs
 * no dictionary and has a window of at most 8 MiB. Decoders differ in what else they take, and in what they leave unread: what one reader found to be good
 * must be good to all. What stands inside the blocks is left to the decoder.
 */
export function isOneZstdFrame(bytes: Uint8Array, contentLength: number): boolean {
  if (bytes.length < FIXED_BYTES) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(0, true) !== MAGIC) return false;
  const descriptor = view.getUint8(4);
  if ((descriptor & NOT_OURS) !== 0) return false;

  const isSingle = (descriptor & SINGLE_SEGMENT) !== 0;
  const lengthAt = isSingle ? FIXED_BYTES : FIXED_BYTES + 1;
  const headerBytes = lengthAt + lengthFieldBytes(descriptor);
  if (bytes.length < headerBytes || statedLength(view, lengthAt, headerBytes) !== contentLength) return false;
  const windowBytes = isSingle ? contentLength : windowOf(view.getUint8(FIXED_BYTES));
  if (windowBytes > MOST_WINDOW_BYTES) return false;

  const end = endOfBlocks(view, headerBytes, Math.min(windowBytes, MOST_BLOCK_BYTES));
  return end !== undefined && end + ((descriptor & CHECKSUM) === 0 ? 0 : CHECKSUM_BYTES) === bytes.length;
}

function lengthFieldBytes(descriptor: number): number {
  const flag = descriptor >>> 6;
  if (flag > 0) return 1 << flag;
  return (descriptor & SINGLE_SEGMENT) === 0 ? 0 : 1;
}

/** Undefined where the frame does not say. */
function statedLength(view: DataView, from: number, to: number): number | undefined {
  switch (to - from) {
    case 1:
      return view.getUint8(from);
    case 2:
      return view.getUint16(from, true) + 256;
    case 4:
      return view.getUint32(from, true);
    case 8:
      return Number(view.getBigUint64(from, true));
    default:
      return undefined;
  }
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >>> 3));
  return base + (base / 8) * (descriptor & 0b111);
}

/** Where the last block ends, which may lie beyond the bytes; undefined where a block is none, or the bytes end before the last. */
function endOfBlocks(view: DataView, from: number, mostBytes: number): number | undefined {
  for (let at = from; at + BLOCK_HEADER_BYTES <= view.byteLength; ) {
    const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    const type = (header >>> 1) & 0b11;
    const size = header >>> 3;
    if (type === RESERVED || size > mostBytes) return undefined;
    at += BLOCK_HEADER_BYTES + (type === REPEATED ? 1 : size);
    if ((header & 1) === 1) return at;
  }
  return undefined;
}
