import { AT_FDCWD, checked, lastErrno, native, terminated } from './posix.js';
import { PosixError } from './posix-error.js';

const ERANGE = 34;

/** An open file, or a name in an open directory (never followed if it is a symbolic link). */
export type XattrTarget = number | { readonly dirFd: number; readonly name: Uint8Array };

const MAX_XATTR_BYTES = 1 << 20;

/** Names as raw bytes. POSIX ACLs appear as `system.posix_acl_access` and `system.posix_acl_default`. */
export function listXattrs(target: XattrTarget): Buffer[] {
  const path = xattrPath(target, 'llistxattr');
  const list = grown('llistxattr', (buffer) =>
    typeof path === 'number'
      ? native().flistxattr(path, buffer, buffer.length)
      : native().llistxattr(path, buffer, buffer.length),
  );
  const names: Buffer[] = [];
  for (let start = 0; start < list.length; ) {
    const end = list.indexOf(0, start);
    names.push(Buffer.from(list.subarray(start, end)));
    start = end + 1;
  }
  return names;
}

export function getXattr(target: XattrTarget, name: Uint8Array): Buffer {
  const path = xattrPath(target, 'lgetxattr');
  const attribute = terminated(name, 'lgetxattr');
  const value = grown('lgetxattr', (buffer) =>
    typeof path === 'number'
      ? native().fgetxattr(path, attribute, buffer, buffer.length)
      : native().lgetxattr(path, attribute, buffer, buffer.length),
  );
  return Buffer.from(value);
}

export function setXattr(target: XattrTarget, name: Uint8Array, value: Uint8Array): void {
  const path = xattrPath(target, 'lsetxattr');
  const attribute = terminated(name, 'lsetxattr');
  const bytes = Buffer.from(value);
  checked('lsetxattr', name, () =>
    typeof path === 'number'
      ? native().fsetxattr(path, attribute, bytes, bytes.length, 0)
      : native().lsetxattr(path, attribute, bytes, bytes.length, 0),
  );
}

export function removeXattr(target: XattrTarget, name: Uint8Array): void {
  const path = xattrPath(target, 'lremovexattr');
  const attribute = terminated(name, 'lremovexattr');
  checked('lremovexattr', name, () =>
    typeof path === 'number' ? native().fremovexattr(path, attribute) : native().lremovexattr(path, attribute),
  );
}

/** The l*xattr calls take no directory, so the path leads through the descriptor's entry in /proc. */
function xattrPath(target: XattrTarget, syscall: string): Buffer | number {
  if (typeof target === 'number') return target;
  if (target.dirFd === AT_FDCWD) return terminated(target.name, syscall);
  return terminated(Buffer.concat([Buffer.from(`/proc/self/fd/${target.dirFd}/`), target.name]), syscall);
}

const xattrBuffer = Buffer.alloc(4096);

/** Asks with a small buffer and, while the kernel finds it too small, with a larger one. The result is only good until the next call. */
function grown(syscall: string, call: (buffer: Buffer) => number): Buffer {
  let buffer = xattrBuffer;
  for (;;) {
    const length = call(buffer);
    if (length >= 0) return buffer.subarray(0, length);
    const errno = lastErrno();
    if (errno !== ERANGE || buffer.length >= MAX_XATTR_BYTES) throw new PosixError(errno, syscall);
    buffer = Buffer.alloc(buffer.length * 4);
  }
}

