/** What is wrong with the disk under a file or a database. */
export type DiskTrouble = 'full' | 'read-only' | 'io-error' | 'out-of-files' | 'cannot-open';

/** How codes begin: SQLite says SQLITE_…, the system E…, PostgreSQL five digits and letters (SQLSTATE). The first match counts. */
const TROUBLES: readonly (readonly [start: string, trouble: DiskTrouble])[] = [
  ['SQLITE_FULL', 'full'],
  // SQLite maps its shared memory, and finds the disk full as it makes the file longer.
  ['SQLITE_IOERR_SHMSIZE', 'full'],
  ['ENOSPC', 'full'],
  ['EDQUOT', 'full'],
  ['53100', 'full'],
  ['SQLITE_READONLY', 'read-only'],
  ['EROFS', 'read-only'],
  ['EACCES', 'read-only'],
  ['EPERM', 'read-only'],
  ['25006', 'read-only'],
  ['SQLITE_IOERR', 'io-error'],
  ['EIO', 'io-error'],
  ['58030', 'io-error'],
  ['EMFILE', 'out-of-files'],
  ['ENFILE', 'out-of-files'],
  ['SQLITE_CANTOPEN', 'cannot-open'],
  // A folder, a link to itself, a socket, a pipe: where a file should be.
  ['EISDIR', 'cannot-open'],
  ['ELOOP', 'cannot-open'],
  ['ENXIO', 'cannot-open'],
  ['ESPIPE', 'cannot-open'],
];

/** Undefined for what says nothing of a disk. */
export function diskTroubleOf(thrown: unknown): DiskTrouble | undefined {
  const code = errorCodeOf(thrown);
  return code === undefined ? undefined : TROUBLES.find(([start]) => code.startsWith(start))?.[1];
}

/** The code of a failed system call or of a database; undefined where an error has none. */
export function errorCodeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}
