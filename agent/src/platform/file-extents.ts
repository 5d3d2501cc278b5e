import { checked, native } from './posix.js';
import { PosixError } from './posix-error.js';

const SEEK_DATA = 3;
const SEEK_HOLE = 4;

export interface Extent {
  /** Bytes. */
  readonly offset: number;
  readonly length: number;
}

/**
 * The runs of data of an open file between two offsets, in order; what lies between them are holes. One run where the file
 * system knows nothing about holes. Moves the file's offset.
 */
export function dataExtents(fd: number, from: number, to: number): Extent[] {
  const extents: Extent[] = [];
  for (let at = from; at < to; ) {
    const start = seek(fd, at, SEEK_DATA, at === from);
    if (start === 'unsupported') return [{ offset: from, length: to - from }];
    if (start === 'none' || start >= to) break;
    const found = seek(fd, start, SEEK_HOLE, false);
    const end = typeof found === 'number' ? Math.min(found, to) : to;
    extents.push({ offset: start, length: end - start });
    at = end;
  }
  return extents;
}

function seek(fd: number, at: number, whence: number, mayBeUnsupported: boolean): number | 'none' | 'unsupported' {
  try {
    return Number(checked('lseek', undefined, () => native().lseek(fd, at, whence)));
  } catch (error) {
    const code = error instanceof PosixError ? error.code : undefined;
    if (code === 'ENXIO') return 'none';
    if (mayBeUnsupported && (code === 'EINVAL' || code === 'ENOTSUP')) return 'unsupported';
    throw error;
  }
}

/** Reserves space for a range, growing the file if it ends before the range does. */
export function allocate(fd: number, offset: number, length: number): void {
  checked('fallocate', undefined, () => native().fallocate(fd, 0, offset, length));
}
