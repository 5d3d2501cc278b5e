/**
 * System calls that Node lacks, over koffi. This file declares them; its neighbours wrap
 * them by what they are about: opening, status, names, owner and mode and times, extended attributes,
 * extents, durability.
 *
 * Names are raw bytes. Every call works relative to a directory's descriptor (or `AT_FDCWD`) and follows no symbolic
 * link in the last component. A failed call throws a `PosixError` with Node's `code`. Calls are synchronous
 * and take about 2 µs, less than the detour over the thread pool; only `syncFileSystem`, which waits for
 * a disk, is not. Linux alone for now: elsewhere the module loads and every call throws `ENOSYS`.
 */
import koffi from 'koffi';
import { PosixError } from './posix-error.js';

/** Stands for the working directory; an absolute name ignores it. */
export const AT_FDCWD = -100;

const EINTR = 4;
const EINVAL = 22;
const ENOSYS = 38;

// Called by number: the C library's wrapper is missing or too new on systems in use (glibc 2.28, musl).
const callNumbers = {
  x64: { getdents64: 217, mknodat: 259, renameat2: 316, statx: 332, openat2: 437 },
  arm64: { getdents64: 61, mknodat: 33, renameat2: 276, statx: 291, openat2: 437 },
};

/** Undefined where every call works, otherwise why none does. */
export function unsupportedReason(): string | undefined {
  if (process.platform !== 'linux') return `file system calls are not supported on ${process.platform}`;
  if (!(process.arch in callNumbers)) return `file system calls are not supported on ${process.arch}`;
  return undefined;
}

type Argument = number | bigint | Buffer;
type Call = (...args: Argument[]) => number;
type AsyncCall = { readonly async: (argument: Argument, done: (error: Error | null, result: number) => void) => void };

function bind() {
  const reason = unsupportedReason();
  if (reason !== undefined) throw new PosixError(ENOSYS, 'koffi', reason);
  // The process's own C library, whichever it is.
  const libc = koffi.load(null);
  const declare = (name: string, ...args: string[]) => libc.func(name, 'int', args) as Call;
  const syscall = (...args: string[]) => libc.func('syscall', 'long', ['long', ...args]) as Call;
  const sized = (name: string, ...args: string[]) => libc.func(name, 'int64', args) as Call;
  return {
    numbers: callNumbers[process.arch as keyof typeof callNumbers],
    statx: syscall('int', 'void *', 'int', 'uint', 'void *'),
    openat2: syscall('int', 'void *', 'void *', 'size_t'),
    getdents64: syscall('int', 'void *', 'uint'),
    mknodat: syscall('int', 'void *', 'uint', 'uint'),
    renameat2: syscall('int', 'void *', 'int', 'void *', 'uint'),
    openat: declare('openat', 'int', 'void *', 'int', 'uint'),
    mkdirat: declare('mkdirat', 'int', 'void *', 'uint'),
    unlinkat: declare('unlinkat', 'int', 'void *', 'int'),
    renameat: declare('renameat', 'int', 'void *', 'int', 'void *'),
    symlinkat: declare('symlinkat', 'void *', 'int', 'void *'),
    linkat: declare('linkat', 'int', 'void *', 'int', 'void *', 'int'),
    fchownat: declare('fchownat', 'int', 'void *', 'uint', 'uint', 'int'),
    futimens: declare('futimens', 'int', 'void *'),
    utimensat: declare('utimensat', 'int', 'void *', 'void *', 'int'),
    fallocate: declare('fallocate', 'int', 'int', 'int64', 'int64'),
    syncfs: libc.func('syncfs', 'int', ['int']) as unknown as AsyncCall,
    nice: declare('nice', 'int'),
    // Moves nothing when asked to move nothing, and returns where that is.
    memmove: sized('memmove', 'void *', 'void *', 'size_t'),
    // Not every C library has it.
    mallocTrim: optional(() => declare('malloc_trim', 'size_t')),
    readlinkat: sized('readlinkat', 'int', 'void *', 'void *', 'size_t'),
    lseek: sized('lseek', 'int', 'int64', 'int'),
    flistxattr: sized('flistxattr', 'int', 'void *', 'size_t'),
    llistxattr: sized('llistxattr', 'void *', 'void *', 'size_t'),
    fgetxattr: sized('fgetxattr', 'int', 'void *', 'void *', 'size_t'),
    lgetxattr: sized('lgetxattr', 'void *', 'void *', 'void *', 'size_t'),
    fsetxattr: declare('fsetxattr', 'int', 'void *', 'void *', 'size_t', 'int'),
    lsetxattr: declare('lsetxattr', 'void *', 'void *', 'void *', 'size_t', 'int'),
    fremovexattr: declare('fremovexattr', 'int', 'void *'),
    setxattr: declare('setxattr', 'void *', 'void *', 'void *', 'size_t', 'int'),
    listxattr: sized('listxattr', 'void *', 'void *', 'size_t'),
    getxattr: sized('getxattr', 'void *', 'void *', 'void *', 'size_t'),
    removexattr: declare('removexattr', 'void *', 'void *'),
    lremovexattr: declare('lremovexattr', 'void *', 'void *'),
  };
}

function optional<T>(declare: () => T): T | undefined {
  try {
    return declare();
  } catch {
    return undefined;
  }
}

let bound: ReturnType<typeof bind> | undefined;

export function native(): ReturnType<typeof bind> {
  bound ??= bind();
  return bound;
}

/** Of the call that failed last, before anything else is called. */
export function lastErrno(): number {
  return koffi.errno();
}

export function clearErrno(): void {
  koffi.errno(0);
}

/** Runs a call that answers below zero on failure, again if a signal cut it short. */
export function checked(syscall: string, detail: Uint8Array | undefined, call: () => number): number {
  for (;;) {
    const result = call();
    if (result >= 0) return result;
    const errno = lastErrno();
    if (errno !== EINTR) throw new PosixError(errno, syscall, detail && Buffer.from(detail).toString());
  }
}

/** The name with its closing NUL. A NUL inside would silently cut the name, so it is refused. */
export function terminated(name: Uint8Array, syscall: string): Buffer {
  if (name.includes(0)) throw new PosixError(EINVAL, syscall, Buffer.from(name).toString());
  const copy = Buffer.allocUnsafe(name.length + 1);
  copy.set(name);
  copy[name.length] = 0;
  return copy;
}
