import { AT_FDCWD, checked, lastErrno, native, terminated } from './posix.js';
import { PosixError } from './posix-error.js';

const AT_REMOVEDIR = 0x200;
const AT_SYMLINK_FOLLOW = 0x400;
const RENAME_NOREPLACE = 1;
const MAX_LINK_BYTES = 4096;
const ENOENT = 2;
const EINVAL = 22;
const direntBuffer = Buffer.allocUnsafeSlow(65_536);

/**
 * The names in an open directory that were not read through this descriptor yet, in no order, without `.` and `..`. One character per byte ("latin1"): such strings are a
 * fraction of a Buffer's size and compare in the order of their bytes.
 */
export function readNames(fd: number): string[] {
  const { getdents64, numbers } = native();
  const buffer = direntBuffer;
  const names: string[] = [];
  for (;;) {
    const filled = checked('getdents64', undefined, () => getdents64(numbers.getdents64, fd, buffer, buffer.length));
    if (filled === 0) return names;
    for (let at = 0; at < filled; at += buffer.readUInt16LE(at + 16)) {
      const name = buffer.toString('latin1', at + 19, buffer.indexOf(0, at + 19));
      if (name !== '.' && name !== '..') names.push(name);
    }
  }
}

/** A symbolic link's raw target. */
export function readLinkAt(dirFd: number, name: Uint8Array): Buffer {
  const path = terminated(name, 'readlinkat');
  const target = Buffer.alloc(MAX_LINK_BYTES);
  const length = checked('readlinkat', name, () => native().readlinkat(dirFd, path, target, target.length));
  return Buffer.from(target.subarray(0, length));
}

export function makeDirectoryAt(dirFd: number, name: Uint8Array, mode: number): void {
  const path = terminated(name, 'mkdirat');
  checked('mkdirat', name, () => native().mkdirat(dirFd, path, mode));
}

export function symlinkAt(target: Uint8Array, dirFd: number, name: Uint8Array): void {
  const to = terminated(target, 'symlinkat');
  const path = terminated(name, 'symlinkat');
  checked('symlinkat', name, () => native().symlinkat(to, dirFd, path));
}

export type SpecialType = 'fifo' | 'socket' | 'characterDevice' | 'blockDevice';

const formats: Readonly<Record<SpecialType, number>> = {
  fifo: 0o010000,
  characterDevice: 0o020000,
  blockDevice: 0o060000,
  socket: 0o140000,
};

/** The umask is applied to `mode`. */
export function makeSpecialAt(
  dirFd: number,
  name: Uint8Array,
  type: SpecialType,
  mode: number,
  device: { major: number; minor: number } = { major: 0, minor: 0 },
): void {
  const path = terminated(name, 'mknodat');
  const encoded = encodeDevice(device.major, device.minor);
  const { mknodat, numbers } = native();
  checked('mknodat', name, () => mknodat(numbers.mknodat, dirFd, path, formats[type] | mode, encoded));
}

/** The kernel's `new_encode_dev`: 12 bits of major and 20 of minor. */
function encodeDevice(major: number, minor: number): number {
  if (major < 0 || major > 0xfff || minor < 0 || minor > 0xfffff) throw new PosixError(EINVAL, 'mknodat');
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

/** A new name for an open file (also one opened with `O_PATH`): what is linked cannot be exchanged in between. */
export function linkFdAt(fd: number, newDirFd: number, newName: Uint8Array): void {
  const from = Buffer.from(`/proc/self/fd/${fd}\0`);
  const to = terminated(newName, 'linkat');
  checked('linkat', newName, () => native().linkat(AT_FDCWD, from, newDirFd, to, AT_SYMLINK_FOLLOW));
}

export function linkAt(dirFd: number, name: Uint8Array, newDirFd: number, newName: Uint8Array): void {
  const from = terminated(name, 'linkat');
  const to = terminated(newName, 'linkat');
  checked('linkat', newName, () => native().linkat(dirFd, from, newDirFd, to, 0));
}

/** Replaces what stands at the new name. */
export function renameAt(dirFd: number, name: Uint8Array, newDirFd: number, newName: Uint8Array): void {
  const from = terminated(name, 'renameat');
  const to = terminated(newName, 'renameat');
  checked('renameat', newName, () => native().renameat(dirFd, from, newDirFd, to));
}

/** What `renameNoReplaceAt` fails with where the file system cannot rename without replacing. */
export const NO_SAFE_RENAME: ReadonlySet<string> = new Set(['EINVAL', 'ENOSYS', 'ENOTSUP']);

/** Fails with `EEXIST` if the new name is taken. `EINVAL` where the file system cannot do it, `ENOSYS` where the kernel cannot. */
export function renameNoReplaceAt(dirFd: number, name: Uint8Array, newDirFd: number, newName: Uint8Array): void {
  const from = terminated(name, 'renameat2');
  const to = terminated(newName, 'renameat2');
  const { renameat2, numbers } = native();
  checked('renameat2', newName, () => renameat2(numbers.renameat2, dirFd, from, newDirFd, to, RENAME_NOREPLACE));
}

export function unlinkAt(dirFd: number, name: Uint8Array): void {
  const path = terminated(name, 'unlinkat');
  checked('unlinkat', name, () => native().unlinkat(dirFd, path, 0));
}

/** False if there is no such name. */
export function unlinkAtIfExists(dirFd: number, name: Uint8Array): boolean {
  if (native().unlinkat(dirFd, terminated(name, 'unlinkat'), 0) >= 0) return true;
  const errno = lastErrno();
  if (errno === ENOENT) return false;
  throw new PosixError(errno, 'unlinkat', Buffer.from(name).toString());
}

export function removeDirectoryAt(dirFd: number, name: Uint8Array): void {
  const path = terminated(name, 'unlinkat');
  checked('unlinkat', name, () => native().unlinkat(dirFd, path, AT_REMOVEDIR));
}
