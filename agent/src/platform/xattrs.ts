import { AT_FDCWD, checked, lastErrno, native, terminated } from './posix.js';
import { PosixError } from './posix-error.js';

const ERANGE = 34;
const NO_ROOM = Buffer.alloc(1);
const MAX_XATTR_BYTES = 1 << 20;

/** An open file; a name in an open directory (never followed if it is a link); or a file pinned with `O_PATH`. */
export type XattrTarget = number | { readonly dirFd: number; readonly name: Uint8Array } | { readonly pathFd: number };

/** Names as raw bytes. POSIX ACLs appear as `system.posix_acl_access` and `system.posix_acl_default`. */
export function listXattrs(target: XattrTarget): Buffer[] {
  const { family, at } = resolve(target, 'listxattr');
  const list = grown('listxattr', (buffer) => family.list(at, buffer, buffer.length));
  const names: Buffer[] = [];
  for (let start = 0; start < list.length; ) {
    const end = list.indexOf(0, start);
    names.push(Buffer.from(list.subarray(start, end)));
    start = end + 1;
  }
  return names;
}

export function getXattr(target: XattrTarget, name: Uint8Array): Buffer {
  const { family, at } = resolve(target, 'getxattr');
  const attribute = terminated(name, 'getxattr');
  return Buffer.from(grown('getxattr', (buffer) => family.get(at, attribute, buffer, buffer.length)));
}

/** False also where nobody can tell. Unlike an answer of `getXattr`, it costs no error: most files lack most attributes. */
export function hasXattr(target: XattrTarget, name: Uint8Array): boolean {
  const { family, at } = resolve(target, 'getxattr');
  return family.get(at, terminated(name, 'getxattr'), NO_ROOM, 0) >= 0;
}

export function setXattr(target: XattrTarget, name: Uint8Array, value: Uint8Array): void {
  const { family, at } = resolve(target, 'setxattr');
  const attribute = terminated(name, 'setxattr');
  const bytes = Buffer.from(value);
  checked('setxattr', name, () => family.set(at, attribute, bytes, bytes.length, 0));
}

export function removeXattr(target: XattrTarget, name: Uint8Array): void {
  const { family, at } = resolve(target, 'removexattr');
  const attribute = terminated(name, 'removexattr');
  checked('removexattr', name, () => family.remove(at, attribute));
}

type Argument = number | Buffer;

/** One of the C library's three families of calls: on a descriptor, on a path, on a path whose last link is not followed. */
interface Family {
  readonly list: (at: Argument, buffer: Buffer, length: number) => number;
  readonly get: (at: Argument, name: Buffer, buffer: Buffer, length: number) => number;
  readonly set: (at: Argument, name: Buffer, value: Buffer, length: number, flags: number) => number;
  readonly remove: (at: Argument, name: Buffer) => number;
}

let families: { byFd: Family; byPath: Family; byLink: Family } | undefined;

function resolve(target: XattrTarget, syscall: string): { family: Family; at: Argument } {
  if (!families) {
    const calls = native();
    families = {
      byFd: { list: calls.flistxattr, get: calls.fgetxattr, set: calls.fsetxattr, remove: calls.fremovexattr },
      byPath: { list: calls.listxattr, get: calls.getxattr, set: calls.setxattr, remove: calls.removexattr },
      byLink: { list: calls.llistxattr, get: calls.lgetxattr, set: calls.lsetxattr, remove: calls.lremovexattr },
    };
  }
  if (typeof target === 'number') return { family: families.byFd, at: target };
  // A descriptor's entry in /proc leads to the very file, also to a link that must not be followed further.
  if ('pathFd' in target) return { family: families.byPath, at: Buffer.from(`/proc/self/fd/${target.pathFd}\0`) };
  if (target.dirFd === AT_FDCWD) return { family: families.byLink, at: terminated(target.name, syscall) };
  // These calls take no directory, so the path leads through its descriptor.
  const path = Buffer.concat([Buffer.from(`/proc/self/fd/${target.dirFd}/`), target.name]);
  return { family: families.byLink, at: terminated(path, syscall) };
}

const firstBuffer = Buffer.alloc(4096);

/** Asks with a small buffer and, while that is too small, with a larger one. The result is good until the next call. */
function grown(syscall: string, call: (buffer: Buffer) => number): Buffer {
  let buffer: Buffer = firstBuffer;
  for (;;) {
    const length = call(buffer);
    if (length >= 0) return buffer.subarray(0, length);
    const errno = lastErrno();
    if (errno !== ERANGE || buffer.length >= MAX_XATTR_BYTES) throw new PosixError(errno, syscall);
    buffer = Buffer.alloc(buffer.length * 4);
  }
}
