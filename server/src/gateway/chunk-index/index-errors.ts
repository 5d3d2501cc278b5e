import { HoldfastError } from '@holdfast/core/errors';

/** SQLite says SQLITE_…, the system E…. */
const FULL = ['SQLITE_FULL', 'ENOSPC', 'EDQUOT'];
const READ_ONLY = ['SQLITE_READONLY', 'EROFS', 'EACCES', 'EPERM'];
const IO_ERROR = ['SQLITE_IOERR', 'EIO'];

/** What failures of the index's files mean, in words. Anything else passes through. */
export function asIndexError(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'string') return thrown;
  const code = thrown.code;
  const isOneOf = (starts: readonly string[]): boolean => starts.some((start) => code.startsWith(start));
  if (isOneOf(FULL))
    return failed('Unavailable', 'INDEX_DISK_FULL', 'The disk that holds the chunk index is full.', thrown);
  if (isOneOf(READ_ONLY))
    return failed(
      'Unavailable',
      'INDEX_READ_ONLY',
      'The chunk index cannot be written: its folder is read-only.',
      thrown,
    );
  if (isOneOf(IO_ERROR))
    return failed('Unavailable', 'INDEX_IO_ERROR', 'The disk that holds the chunk index reports an error.', thrown);
  if (code.startsWith('SQLITE_CANTOPEN'))
    return failed('Unavailable', 'INDEX_CANNOT_BE_OPENED', 'The chunk index file cannot be opened.', thrown);
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return failed('IllegalState', 'INDEX_IN_USE', 'Another process holds the chunk index of this vault.', thrown);
  }
  if (code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB')) {
    return failed('Integrity', 'INDEX_DAMAGED', 'The chunk index file is damaged.', thrown);
  }
  return thrown;
}

function failed(
  kind: 'Unavailable' | 'IllegalState' | 'Integrity',
  code: string,
  message: string,
  cause: unknown,
): HoldfastError {
  return new HoldfastError({ kind, code, message, cause });
}
