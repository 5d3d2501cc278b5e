import fs from 'node:fs';
import { statFd } from './file-status.js';
import { splitNanoseconds } from './nanoseconds.js';
import { O_PATH, openAt } from './open-file.js';
import { checked, native, terminated } from './posix.js';
import { PosixError } from './posix-error.js';

const AT_SYMLINK_NOFOLLOW = 0x100;
const UTIME_OMIT = 0x3ffffffen;
const ENOTSUP = 95;

/** Of the name itself, symbolic links too. */
export function chownAt(dirFd: number, name: Uint8Array, uid: number, gid: number): void {
  const path = terminated(name, 'fchownat');
  checked('fchownat', name, () => native().fchownat(dirFd, path, uid, gid, AT_SYMLINK_NOFOLLOW));
}

/** Of the name itself; `ENOTSUP` for a symbolic link, which has no mode on Linux. */
export function chmodAt(dirFd: number, name: Uint8Array, mode: number): void {
  const fd = openAt(dirFd, name, O_PATH | fs.constants.O_NOFOLLOW);
  try {
    if (statFd(fd).type === 'symlink') throw new PosixError(ENOTSUP, 'fchmodat', Buffer.from(name).toString());
    // The descriptor pins the file; a name exchanged for a link meanwhile changes nothing.
    fs.chmodSync(`/proc/self/fd/${fd}`, mode);
  } finally {
    fs.closeSync(fd);
  }
}

/** Sets the modification time of the name itself and leaves the access time. */
export function setMtimeAt(dirFd: number, name: Uint8Array, mtimeNs: bigint): void {
  const path = terminated(name, 'utimensat');
  const times = timespecs(mtimeNs);
  checked('utimensat', name, () => native().utimensat(dirFd, path, times, AT_SYMLINK_NOFOLLOW));
}

export function setMtimeFd(fd: number, mtimeNs: bigint): void {
  const times = timespecs(mtimeNs);
  checked('futimens', undefined, () => native().futimens(fd, times));
}

function timespecs(mtimeNs: bigint): Buffer {
  const { seconds, nanos } = splitNanoseconds(mtimeNs);
  const times = Buffer.alloc(32);
  times.writeBigInt64LE(UTIME_OMIT, 8);
  times.writeBigInt64LE(seconds, 16);
  times.writeBigInt64LE(BigInt(nanos), 24);
  return times;
}

