import { joinNanoseconds } from './nanoseconds.js';
import { checked, lastErrno, native, terminated } from './posix.js';
import { PosixError } from './posix-error.js';

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const STATX_BTIME = 0x800;
const STATX_WANTED = 0x7ff | STATX_BTIME;
const STATX_BYTES = 256;
const ENOENT = 2;

/** What `statx` tells about a file, decoded from the kernel's fixed layout. */
export interface FileStatus {
  readonly type: FileType;
  /** Permission bits with setuid, setgid and sticky (07777). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes. */
  readonly size: number;
  /** Allocated units of 512 bytes. */
  readonly blocks: number;
  readonly nlink: number;
  readonly ino: bigint;
  /** Device that holds the file, as one number; only good for comparing. */
  readonly dev: number;
  /** Nanoseconds since 1970, negative before. */
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  /** When it was made, as the file system's clock has it; undefined where it keeps no such time. */
  readonly birthNs: bigint | undefined;
  /** Of a device node. */
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

/** What tells a file from every other, also from one that is given its number once it is gone. */
export type FileIdentity = Pick<FileStatus, 'dev' | 'ino' | 'birthNs'>;

export function isSameFile(one: FileIdentity, other: FileIdentity): boolean {
  return one.dev === other.dev && one.ino === other.ino && one.birthNs === other.birthNs;
}

export type FileType =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'fifo'
  | 'socket'
  | 'characterDevice'
  | 'blockDevice'
  | 'unknown';

const typesByFormat: ReadonlyMap<number, FileType> = new Map([
  [0o01, 'fifo'],
  [0o02, 'characterDevice'],
  [0o04, 'directory'],
  [0o06, 'blockDevice'],
  [0o10, 'file'],
  [0o12, 'symlink'],
  [0o14, 'socket'],
]);

const statusBuffer = Buffer.alloc(STATX_BYTES);
const EMPTY = Buffer.from([0]);

/** `lstat` relative to a directory. */
export function statAt(dirFd: number, name: Uint8Array): FileStatus {
  return statx(dirFd, terminated(name, 'statx'), AT_SYMLINK_NOFOLLOW, name);
}

/** As `statAt`, but undefined if there is no such name: for where that is the common case and an exception would cost too much. */
export function statAtIfExists(dirFd: number, name: Uint8Array): FileStatus | undefined {
  const { statx: call, numbers } = native();
  const path = terminated(name, 'statx');
  if (call(numbers.statx, dirFd, path, AT_SYMLINK_NOFOLLOW, STATX_WANTED, statusBuffer) < 0) {
    const errno = lastErrno();
    if (errno === ENOENT) return undefined;
    throw new PosixError(errno, 'statx', Buffer.from(name).toString());
  }
  return decodeStatx(statusBuffer);
}

export function statFd(fd: number): FileStatus {
  return statx(fd, EMPTY, AT_EMPTY_PATH, undefined);
}

function statx(dirFd: number, path: Buffer, flags: number, detail: Uint8Array | undefined): FileStatus {
  const { statx: call, numbers } = native();
  checked('statx', detail, () => call(numbers.statx, dirFd, path, flags, STATX_WANTED, statusBuffer));
  return decodeStatx(statusBuffer);
}

/** Decodes `struct statx` (linux/stat.h; little-endian machines, which both supported architectures are). */
function decodeStatx(buffer: Buffer): FileStatus {
  const format = buffer.readUInt16LE(28);
  return {
    type: typesByFormat.get(format >> 12) ?? 'unknown',
    mode: format & 0o7777,
    uid: buffer.readUInt32LE(20),
    gid: buffer.readUInt32LE(24),
    size: readUnsigned64(buffer, 40),
    blocks: readUnsigned64(buffer, 48),
    nlink: buffer.readUInt32LE(16),
    ino: buffer.readBigUInt64LE(32),
    dev: deviceNumber(buffer.readUInt32LE(136), buffer.readUInt32LE(140)),
    mtimeNs: readTime(buffer, 112),
    ctimeNs: readTime(buffer, 96),
    birthNs: buffer.readUInt32LE(0) & STATX_BTIME ? readTime(buffer, 80) : undefined,
    deviceMajor: buffer.readUInt32LE(128),
    deviceMinor: buffer.readUInt32LE(132),
  };
}

/** `dev` of a file on this device. */
export function deviceNumber(major: number, minor: number): number {
  return major * 2 ** 20 + minor;
}

function readUnsigned64(buffer: Buffer, offset: number): number {
  return buffer.readUInt32LE(offset + 4) * 2 ** 32 + buffer.readUInt32LE(offset);
}

function readTime(buffer: Buffer, offset: number): bigint {
  return joinNanoseconds(buffer.readBigInt64LE(offset), buffer.readUInt32LE(offset + 8));
}
