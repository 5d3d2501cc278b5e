import fs from 'node:fs';
import { checked, lastErrno, native, terminated } from './posix.js';
import { PosixError } from './posix-error.js';

export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;

const RESOLVE_NO_MAGICLINKS = 0x02;
const RESOLVE_NO_SYMLINKS = 0x04;
const RESOLVE_BENEATH = 0x08;
const EINTR = 4;
const EAGAIN = 11;
const EXDEV = 18;
const ENOSYS = 38;
const EAGAIN_ATTEMPTS = 100;

/** `openat`, always close-on-exec. Symbolic links before the last component are followed. */
export function openAt(dirFd: number, name: Uint8Array, flags: number, mode = 0): number {
  const path = terminated(name, 'openat');
  return checked('openat', name, () => native().openat(dirFd, path, flags | O_CLOEXEC, mode));
}

/** How `openBeneath` keeps the kernel inside the directory. */
export type BeneathMethod = 'openat2' | 'components';

let beneathMethod: BeneathMethod = 'openat2';

/**
 * Opens a relative path without ever leaving the directory: no symbolic link on the way or at its end, no `..`, no
 * absolute path. Kernels without `openat2` (before 5.6, or filtered) are served component by component.
 */
export function openBeneath(
  dirFd: number,
  path: Uint8Array,
  flags: number,
  mode = 0,
  method: BeneathMethod = beneathMethod,
): number {
  if (method === 'components') return openByComponents(dirFd, path, flags, mode);
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(flags | O_CLOEXEC), 0);
  how.writeBigUInt64LE(BigInt(mode), 8);
  how.writeBigUInt64LE(BigInt(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS), 16);
  const name = terminated(path, 'openat2');
  for (let attempt = 0; ; attempt++) {
    const fd = native().openat2(native().numbers.openat2, dirFd, name, how, how.length);
    if (fd >= 0) return fd;
    const errno = lastErrno();
    if (errno === ENOSYS) {
      beneathMethod = 'components';
      return openByComponents(dirFd, path, flags, mode);
    }
    // The kernel asks for another try when a rename ran beside the look-up.
    if ((errno === EAGAIN && attempt < EAGAIN_ATTEMPTS) || errno === EINTR) continue;
    throw new PosixError(errno, 'openat2', Buffer.from(path).toString());
  }
}

function openByComponents(dirFd: number, path: Uint8Array, flags: number, mode: number): number {
  const text = Buffer.from(path);
  const parts = splitPath(text);
  if (text[0] === 0x2f || parts.some((part) => part.equals(DOT_DOT))) {
    throw new PosixError(EXDEV, 'openat', text.toString());
  }
  const last = parts.pop() ?? DOT;
  let current = dirFd;
  try {
    for (const part of parts) {
      const next = openAt(current, part, O_PATH | fs.constants.O_DIRECTORY | fs.constants.O_NOFOLLOW);
      if (current !== dirFd) fs.closeSync(current);
      current = next;
    }
    return openAt(current, last, flags | fs.constants.O_NOFOLLOW, mode);
  } finally {
    if (current !== dirFd) fs.closeSync(current);
  }
}

const DOT = Buffer.from('.');
const DOT_DOT = Buffer.from('..');

function splitPath(path: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let start = 0;
  for (let end = 0; end <= path.length; end++) {
    if (end < path.length && path[end] !== 0x2f) continue;
    if (end > start) parts.push(path.subarray(start, end));
    start = end + 1;
  }
  return parts;
}
