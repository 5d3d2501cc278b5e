/**
 * The change cache: what the last backup of an item saw on this host, for DIFFERENTIAL and INCREMENTAL to compare with.
 *
 * A file of records in the order of the walk, so that it is written while walking and read in lockstep with the next walk, in
 * constant memory. It is written beside and renamed at commit: a crash leaves the old one. It is only ever a hint: lost
 * or damaged, everything is read again.
 *
 *   file    = magic (8) block* end
 *   block   = length u32 ‖ crc32(payload) u32 ‖ payload         length > 0, at most MAX_BLOCK_BYTES
 *   end     = 0 u32 ‖ crc32(counts) u32 ‖ counts                counts = blocks u64
 *   payload = the first block: the header, opaque bytes of the caller; then whole records
 *   record  = kind u8 ‖ flags u8 ‖ name ‖ mode u16 ‖ uid u32 ‖ gid u32 ‖ size u64 ‖ mtime i64 ‖ ctime i64 ‖ inode u64 ‖ reference
 *   kind    = 1 enter a directory, 2 leave it, 3 a regular file, 4 anything else
 *   name, reference = length u16 or u32 ‖ bytes
 *
 * Integers are little-endian, times nanoseconds since 1970. Device numbers are left out: they change when a host boots, and
 * a snapshot has others than what it was taken of.
 */
import type { ChangeStamp } from './file-entry.js';

/** The last byte is the version. */
export const MAGIC = Buffer.from('HFCHGS\n\x02', 'latin1');
export const BLOCK_BYTES = 64 * 1024;
export const MAX_BLOCK_BYTES = 16 * 1024 * 1024;
export const BLOCK_HEAD_BYTES = 8;
export const COUNTS_BYTES = 8;
/** Of one file's reference: 400,000 chunks of 32 bytes would be 12.8 MB. */
export const MAX_REFERENCE_BYTES = 12 * 1024 * 1024;

export interface CacheRecord {
  readonly kind: 'enter' | 'leave' | 'file' | 'other';
  /** Of `leave`: empty. */
  readonly name: Buffer;
  /** Of `leave`: nothing. */
  readonly stamp: ChangeStamp;
  /**
   * What the caller needs to refer to the stored content again; opaque here. Of `leave`: to the directory as a whole, empty where
   * that is not to be done. Of `enter` and `other`: empty.
   */
  readonly reference: Buffer;
}

/** Of what has none. */
export const NO_STAMP: ChangeStamp = {
  mode: 0,
  uid: 0,
  gid: 0,
  size: 0,
  mtimeNs: 0n,
  ctimeNs: 0n,
  ino: 0n,
  settled: false,
};
export const NO_BYTES = Buffer.alloc(0);

const KINDS = [undefined, 'enter', 'leave', 'file', 'other'] as const satisfies (CacheRecord['kind'] | undefined)[];
const SETTLED = 1;
const HEAD_BYTES = 4;
const STAMP_BYTES = 42;

export function encodeRecord({ kind, name, stamp, reference }: CacheRecord): Buffer {
  if (reference.length > MAX_REFERENCE_BYTES) throw new RangeError('a reference is too long for the change cache');
  // A time out of range is cut, and then matches nothing it should not, for the stamp is marked as unsettled.
  const fits = BigInt.asIntN(64, stamp.mtimeNs) === stamp.mtimeNs && BigInt.asIntN(64, stamp.ctimeNs) === stamp.ctimeNs;
  const buffer = Buffer.allocUnsafe(HEAD_BYTES + name.length + STAMP_BYTES + 4 + reference.length);
  buffer[0] = KINDS.indexOf(kind);
  buffer[1] = stamp.settled && fits ? SETTLED : 0;
  buffer.writeUInt16LE(name.length, 2);
  buffer.set(name, HEAD_BYTES);
  let at = HEAD_BYTES + name.length;
  at = buffer.writeUInt16LE(stamp.mode, at);
  at = buffer.writeUInt32LE(stamp.uid, at);
  at = buffer.writeUInt32LE(stamp.gid, at);
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
  const kind = KINDS[payload.readUInt8(at)];
  if (kind === undefined) throw new RangeError(`unknown record ${payload.readUInt8(at)}`);
  const stampAt = at + HEAD_BYTES + payload.readUInt16LE(at + 2);
  const referenceAt = stampAt + STAMP_BYTES + 4;
  const next = referenceAt + payload.readUInt32LE(stampAt + STAMP_BYTES);
  if (next > payload.length) throw new RangeError('a record is cut off');
  const stamp: ChangeStamp = {
    mode: payload.readUInt16LE(stampAt),
    uid: payload.readUInt32LE(stampAt + 2),
    gid: payload.readUInt32LE(stampAt + 6),
    size: Number(payload.readBigUInt64LE(stampAt + 10)),
    mtimeNs: payload.readBigInt64LE(stampAt + 18),
    ctimeNs: payload.readBigInt64LE(stampAt + 26),
    ino: payload.readBigUInt64LE(stampAt + 34),
    settled: (payload.readUInt8(at + 1) & SETTLED) !== 0,
  };
  const name = payload.subarray(at + HEAD_BYTES, stampAt);
  return { record: { kind, name, stamp, reference: payload.subarray(referenceAt, next) }, next };
}
