import { HoldfastError } from '@holdfast/core/errors';
import { type DiskTrouble, diskTroubleOf, errorCodeOf } from '../../platform/disk-trouble.js';

const WORDS: Readonly<Record<DiskTrouble, readonly [code: string, message: string]>> = {
  full: ['INDEX_DISK_FULL', 'The disk that holds the chunk index is full: make room there.'],
  'read-only': ['INDEX_READ_ONLY', 'The chunk index cannot be written: its folder is read-only.'],
  'io-error': ['INDEX_IO_ERROR', 'The disk that holds the chunk index reports an error.'],
  'out-of-files': ['INDEX_OUT_OF_FILES', 'The gateway has too many files open to use the chunk index.'],
  'cannot-open': ['INDEX_CANNOT_BE_OPENED', 'The chunk index file cannot be opened.'],
};

/** What failures of the index's files mean, in words. Anything else passes through. */
export function asIndexError(thrown: unknown): unknown {
  const code = errorCodeOf(thrown);
  if (code === undefined || thrown instanceof HoldfastError) return thrown;
  const trouble = diskTroubleOf(thrown);
  if (trouble !== undefined) return failed('Unavailable', ...WORDS[trouble], thrown);
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return failed('IllegalState', 'INDEX_IN_USE', 'Another process holds the chunk index of this vault.', thrown);
  }
  if (code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB')) {
    return indexDamaged(thrown);
  }
  return thrown;
}

/** What the disk gave back is not what was written. */
export function indexDamaged(cause?: unknown): HoldfastError {
  return failed('Integrity', 'INDEX_DAMAGED', 'The chunk index file is damaged.', cause);
}

/** Numbers of copies are used up; they are never used again. */
export function indexFull(): HoldfastError {
  return failed('IllegalState', 'INDEX_FULL', 'The vault has as many chunks as its index can hold.', undefined);
}

function failed(
  kind: 'Unavailable' | 'IllegalState' | 'Integrity',
  code: string,
  message: string,
  cause: unknown,
): HoldfastError {
  return new HoldfastError({ kind, code, message, cause });
}
