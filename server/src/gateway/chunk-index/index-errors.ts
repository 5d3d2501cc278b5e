import { HoldfastError } from '@holdfast/core/errors';
import Database from 'better-sqlite3';

/** What the index file's failures mean, in words. Anything that is not the database's passes through. */
export function asIndexError(thrown: unknown): unknown {
  if (!(thrown instanceof Database.SqliteError)) return thrown;
  const code = thrown.code;
  if (code.startsWith('SQLITE_FULL'))
    return failed('Unavailable', 'INDEX_DISK_FULL', 'The disk that holds the chunk index is full.', thrown);
  if (code.startsWith('SQLITE_READONLY'))
    return failed(
      'Unavailable',
      'INDEX_READ_ONLY',
      'The chunk index cannot be written: its folder is read-only.',
      thrown,
    );
  if (code.startsWith('SQLITE_IOERR'))
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
