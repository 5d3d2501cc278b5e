import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../errors/index.js';
import { isFailingDisk, mayBeAlone, storeFailure } from './store-errors.js';

function failure(errno: string): HoldfastError {
  return storeFailure(Object.assign(new Error(`${errno}: /secret/path`), { code: errno }), 'pack/ab');
}

describe('a failed system call', () => {
  it.each([
    ['ENOSPC', 'STORE_FULL', /full: no space/],
    ['EDQUOT', 'STORE_FULL', /quota/],
    ['EROFS', 'STORE_READ_ONLY', /read-only/],
    ['EACCES', 'STORE_DENIED', /refuses access/],
    ['EIO', 'STORE_IO', /input\/output error/],
    ['EMFILE', 'STORE_BUSY', /too many files/],
    ['ENOENT', 'STORE_MISSING', /mounted\?$/],
    ['EXOTIC', 'STORE_FAILED', /EXOTIC/],
  ])('%s becomes %s, retried later, with the reason in words and no path', (errno, code, words) => {
    const error = failure(errno);
    expect([error.kind, error.code, error.details]).toEqual(['Unavailable', code, { errno, object: 'pack/ab' }]);
    expect(error.message).toMatch(words);
    expect(error.message).not.toContain('/secret');
  });

  it.each([
    ['Unknown system error -117', 'EUCLEAN'],
    ['Unknown system error -74', 'EBADMSG'],
  ])('%s, for which Node has no name, is of a damaged file system', (code, errno) => {
    const error = failure(code);
    expect([error.kind, error.code, error.details['errno']]).toEqual(['Unavailable', 'STORE_FILE_SYSTEM', errno]);
    expect([isFailingDisk(error), mayBeAlone(error)]).toEqual([true, true]);
  });

  it('is not of one object where it is of all of the store, or of this process', () => {
    const alone = ['EIO', 'EACCES', 'ENOSPC', 'EMFILE', 'ENOENT', 'ESTALE', 'ETIMEDOUT'].map((errno) =>
      mayBeAlone(failure(errno)),
    );
    expect(alone).toEqual([true, true, false, false, false, false, false]);
    expect(isFailingDisk(failure('EACCES'))).toBe(false);
  });

  it('that is an error of ours already stays what it is', () => {
    const ours = new HoldfastError({ kind: 'Integrity', code: 'X', message: 'x' });
    expect(storeFailure(ours)).toBe(ours);
  });
});
