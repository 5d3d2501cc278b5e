import fs from 'node:fs';
import { splitNanoseconds } from './nanoseconds.js';
import { AT_FDCWD, checked, native, terminated } from './posix.js';

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const UTIME_OMIT = 0x3ffffffen;
/** Leaves an owner as it is. */
export const KEEP_ID = 0xffffffff;
const NO_NAME = Buffer.from([0]);

// A descriptor opened with `O_PATH` pins a link, FIFO or device that cannot or must not be opened, so that a name exchanged
// meanwhile changes nothing. Most calls refuse such a one; they reach the very file through its entry in /proc.

/** On any descriptor. */
export function chownFd(fd: number, uid: number, gid: number): void {
  checked('fchownat', undefined, () => native().fchownat(fd, NO_NAME, uid, gid, AT_EMPTY_PATH));
}

/** Of the name itself, symbolic links too. */
export function chownAt(dirFd: number, name: Uint8Array, uid: number, gid: number): void {
  const path = terminated(name, 'fchownat');
  checked('fchownat', name, () => native().fchownat(dirFd, path, uid, gid, AT_SYMLINK_NOFOLLOW));
}

/** On a descriptor of `O_PATH`. `ENOTSUP` for a symbolic link, which has no mode on Linux. */
export function chmodPathFd(fd: number, mode: number): void {
  fs.chmodSync(`/proc/self/fd/${fd}`, mode);
}

/** Sets the modification time and leaves the access time. */
export function setMtimeFd(fd: number, mtimeNs: bigint): void {
  const times = timespecs(mtimeNs);
  checked('futimens', undefined, () => native().futimens(fd, times));
}

/** As `setMtimeFd`, on a descriptor of `O_PATH`. */
export function setMtimePathFd(fd: number, mtimeNs: bigint): void {
  const times = timespecs(mtimeNs);
  const path = Buffer.from(`/proc/self/fd/${fd}\0`);
  checked('utimensat', undefined, () => native().utimensat(AT_FDCWD, path, times, 0));
}

/** As `setMtimeFd`, of the name itself. */
export function setMtimeAt(dirFd: number, name: Uint8Array, mtimeNs: bigint): void {
  const path = terminated(name, 'utimensat');
  const times = timespecs(mtimeNs);
  checked('utimensat', name, () => native().utimensat(dirFd, path, times, AT_SYMLINK_NOFOLLOW));
}

function timespecs(mtimeNs: bigint): Buffer {
  const { seconds, nanos } = splitNanoseconds(mtimeNs);
  const times = Buffer.alloc(32);
  times.writeBigInt64LE(UTIME_OMIT, 8);
  times.writeBigInt64LE(seconds, 16);
  times.writeBigInt64LE(BigInt(nanos), 24);
  return times;
}
