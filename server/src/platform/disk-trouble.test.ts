import { describe, expect, it } from 'vitest';
import { asDatabaseFailure } from './db/database-failure.js';
import { diskTroubleOf } from './disk-trouble.js';

const failure = (code: string): Error => Object.assign(new Error(`${code}: /secret/path`), { code });

describe('a failure of a disk', () => {
  it.each([
    ['SQLITE_FULL', 'full', 'DATABASE_FULL', /full: make room/],
    ['SQLITE_IOERR_SHMSIZE', 'full', 'DATABASE_FULL', /full/],
    ['ENOSPC', 'full', 'DATABASE_FULL', /full/],
    ['53100', 'full', 'DATABASE_FULL', /full/],
    ['SQLITE_READONLY_DIRECTORY', 'read-only', 'DATABASE_READ_ONLY', /read-only/],
    ['EROFS', 'read-only', 'DATABASE_READ_ONLY', /read-only/],
    ['25006', 'read-only', 'DATABASE_READ_ONLY', /read-only/],
    ['SQLITE_IOERR_FSYNC', 'io-error', 'DATABASE_IO_ERROR', /input\/output error/],
    ['EIO', 'io-error', 'DATABASE_IO_ERROR', /input\/output error/],
    ['58030', 'io-error', 'DATABASE_IO_ERROR', /input\/output error/],
    ['EMFILE', 'out-of-files', 'DATABASE_OUT_OF_FILES', /too many files/],
    ['SQLITE_CANTOPEN', 'cannot-open', 'DATABASE_CANNOT_BE_OPENED', /cannot be opened/],
  ])('%s is %s, and is told in words without a path', (code, trouble, reason, words) => {
    expect(diskTroubleOf(failure(code))).toBe(trouble);
    const told = asDatabaseFailure(failure(code));
    expect(told).toMatchObject({ kind: 'Unavailable', code: reason, message: expect.stringMatching(words) as string });
    expect((told as Error).message).not.toContain('/secret');
  });

  it('is not seen in what has nothing to do with a disk', () => {
    for (const thrown of [failure('SQLITE_CONSTRAINT_UNIQUE'), failure('23505'), new Error('x'), undefined, 'EIO']) {
      expect(diskTroubleOf(thrown)).toBeUndefined();
      expect(asDatabaseFailure(thrown)).toBe(thrown);
    }
  });
});
