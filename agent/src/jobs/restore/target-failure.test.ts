import { HoldfastError } from '@holdfast/core/errors';
import { describe, expect, it } from 'vitest';
import { targetFailure } from './target-failure.js';

const systemError = (code: string, errno: number): Error =>
  Object.assign(new Error(`${code}: some words, open '/to'`), { code, errno, syscall: 'open' });

describe('a target that cannot be used', () => {
  it.each([
    ['EEXIST', -17],
    ['ENOTDIR', -20],
    ['ENOENT', -2],
    ['ELOOP', -40],
    ['ENAMETOOLONG', -36],
    ['EACCES', -13],
    ['EPERM', -1],
    ['EROFS', -30],
    ['ENOSPC', -28],
    ['EDQUOT', -122],
  ])('for %s is named with what to do, in words', (code, errno) => {
    const failure = targetFailure(Buffer.from('/to'), systemError(code, errno));
    expect(failure).toMatchObject({ kind: 'IllegalState', code: 'TARGET_UNUSABLE' });
    expect(failure?.message).toMatch(/^The folder \/to on this host .+\. (Restore|Make) .+\.$/);
    expect(failure?.message).not.toContain(code);
  });

  it('for any other reason is named with what the system says', () => {
    expect(targetFailure(Buffer.from('/to'), systemError('EIO', -5))?.message).toBe(
      'The folder /to on this host cannot be used: i/o error (EIO).',
    );
  });

  it('is not what any other failure means', () => {
    expect(targetFailure(Buffer.from('/to'), new Error('no'))).toBeUndefined();
    const other = new HoldfastError({ kind: 'Conflict', code: 'X', message: 'm' });
    expect(targetFailure(Buffer.from('/to'), other)).toBeUndefined();
  });
});
