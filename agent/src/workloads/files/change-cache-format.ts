/**
 * The change cache: what the last backup of an item saw on this host, for DIFFERENTIAL and INCREMENTAL to compare with.
 *
 * A file of records in the order of the walk (directories, and in them the regular files), so that it is written
 * while walking and read in lockstep with the next walk, in constant memory. It is written beside and renamed at
 * commit: a crash leaves the old one. It is only ever a hint: lost or damaged, everything is read again.
 *
 *   file    = magic (8) block* end
 *   block   = length u32 ‖ crc32(payload) u32 ‖ payload         length > 0, at most MAX_BLOCK_BYTES
 *   end     = 0 u32 ‖ crc32(counts) u32 ‖ counts                counts = records u64
 *   payload = the first block: the header, opaque bytes of the caller; then whole records:
 *             1 name                                            enter a directory
 *             2                                                 leave it
 *             3 flags u8 ‖ name ‖ size u64 ‖ mtime i64 ‖ ctime i64 ‖ inode u64 ‖ reference     a regular file
 *   name, reference = length u16 or u32 ‖ bytes
 *
 * Integers are little-endian, times nanoseconds since 1970. Device numbers are left out: they change when a host boots, and
 * a snapshot has others than what it was taken of.
 */
import type { ChangeStamp } from './file-entry.js';

/** The last byte is the version. */
export const MAGIC = Buffer.from('HFCHGS\n\x01', 'latin1');
export const BLOCK_BYTES = 64 * 1024;
export const MAX_BLOCK_BYTES = 16 * 1024 * 1024;
export const BLOCK_HEAD_BYTES = 8;
export const COUNTS_BYTES = 8;
/** Of one file's reference: 400,000 chunks of 32 bytes would be 12.8 MB. */
export const MAX_REFERENCE_BYTES = 12 * 1024 * 1024;

export interface CachedFile {
  readonly name: Buffer;
  readonly stamp: ChangeStamp;
  /** What the caller needs to refer to the stored content again; opaque here. */
  readonly reference: Buffer;
}

export type CacheRecord =
  | { readonly kind: 'enter'; readonly name: Buffer }
  | { readonly kind: 'leave' }
  | { readonly kind: 'file'; readonly file: CachedFile };

const ENTER = 1;
const LEAVE = 2;
const FILE = 3;
const SETTLED = 1;
const FIXED_BYTES = 32;

export function encodeRecord(record: CacheRecord): Buffer {
  switch (record.kind) {
    case 'enter':
      return encodeName(ENTER, [], record.name, 0);
    case 'leave':
      return Buffer.from([LEAVE]);
    case 'file':
      return encodeFile(record.file);
  }
}

function encodeName(tag: number, flags: readonly number[], name: Buffer, rest: number): Buffer {
  const head = 1 + flags.length;
  const buffer = Buffer.alloc(head + 2 + name.length + rest);
  buffer.set([tag, ...flags], 0);
  buffer.writeUInt16LE(name.length, head);
  buffer.set(name, head + 2);
  return buffer;
}

function encodeFile({ name, stamp, reference }: CachedFile): Buffer {
  if (reference.length > MAX_REFERENCE_BYTES) throw new RangeError('a reference is too long for the change cache');
  // A time out of range is cut, and then matches nothing it should not, for the stamp is marked as unsettled.
  const fits = BigInt.asIntN(64, stamp.mtimeNs) === stamp.mtimeNs && BigInt.asIntN(64, stamp.ctimeNs) === stamp.ctimeNs;
  const buffer = encodeName(FILE, [stamp.settled && fits ? SETTLED : 0], name, FIXED_BYTES + 4 + reference.length);
  let at = 4 + name.length;
  at = buffer.writeBigUInt64LE(BigInt(stamp.size), at);
  at = buffer.writeBigInt64LE(BigInt.asIntN(64, stamp.mtimeNs), at);
  at = buffer.writeBigInt64LE(BigInt.asIntN(64, stamp.ctimeNs), at);
  at = buffer.writeBigUInt64LE(stamp.ino, at);
  at = buffer.writeUInt32LE(reference.length, at);
  buffer.set(reference, at);
  return buffer;
}

/** Throws a `RangeError` for bytes that are no records. */
export function decodeRecord(payload: Buffer, at: number): { record: CacheRecord; next: number } {
  const tag = payload.readUInt8(at);
  if (tag === LEAVE) return { record: { kind: 'leave' }, next: at + 1 };
  if (tag !== ENTER && tag !== FILE) throw new RangeError(`unknown record ${tag}`);
  const head = tag === FILE ? at + 2 : at + 1;
  const nameEnd = head + 2 + payload.readUInt16LE(head);
  const name = slice(payload, head + 2, nameEnd);
  if (tag === ENTER) return { record: { kind: 'enter', name }, next: nameEnd };
  const referenceStart = nameEnd + FIXED_BYTES + 4;
  const next = referenceStart + payload.readUInt32LE(nameEnd + FIXED_BYTES);
  const stamp: ChangeStamp = {
    size: Number(payload.readBigUInt64LE(nameEnd)),
    mtimeNs: payload.readBigInt64LE(nameEnd + 8),
    ctimeNs: payload.readBigInt64LE(nameEnd + 16),
    ino: payload.readBigUInt64LE(nameEnd + 24),
    settled: (payload.readUInt8(at + 1) & SETTLED) !== 0,
  };
  return { record: { kind: 'file', file: { name, stamp, reference: slice(payload, referenceStart, next) } }, next };
}

function slice(payload: Buffer, start: number, end: number): Buffer {
  if (end > payload.length) throw new RangeError('a record is cut off');
  return payload.subarray(start, end);
}
