import { describe, expect, it } from 'vitest';
import { judgeRoots } from './pre-check.js';

const roots = ['/srv', '/home'].map((path) => Buffer.from(path));
const trouble = (path: string, message = 'gone') => ({ path: Buffer.from(path), message });

describe('a pre-check', () => {
  it.each([
    ['PASSED', [], []],
    ['WARNING', [trouble('/home')], ['/home']],
    ['CRITICAL', [trouble('/home'), trouble('/srv')], ['/srv', '/home']],
    ['PASSED', [trouble('/etc'), trouble('/srv/below')], []],
    ['WARNING', [trouble('/srv'), trouble('/srv', 'again'), trouble('/srv')], ['/srv']],
  ] as const)('is %s for %j', (status, found, about) => {
    const check = judgeRoots(roots, found, 7);
    expect(check).toMatchObject({ status, checkedAt: 7 });
    expect(check.troubles.map(({ path }) => Buffer.from(path).toString())).toEqual(about);
  });

  it('keeps the first reason', () => {
    expect(judgeRoots(roots, [trouble('/srv', 'first'), trouble('/srv', 'second')], 7).troubles).toEqual([
      trouble('/srv', 'first'),
    ]);
  });
});
