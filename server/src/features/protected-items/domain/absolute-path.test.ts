import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAtOrBelow, joinPath, normaliseAbsolutePath, splitPath } from './absolute-path.js';

const normalised = (text: string): string => {
  const check = normaliseAbsolutePath(Buffer.from(text));
  return 'path' in check ? check.path.toString() : `! ${check.problem}`;
};

describe('an absolute path', () => {
  it.each([
    ['/', '/'],
    ['//', '/'],
    ['/.', '/'],
    ['/srv//data/', '/srv/data'],
    ['/srv/./data/.', '/srv/data'],
    ['/srv/..data', '/srv/..data'],
    ['/srv/...', '/srv/...'],
  ])('has one spelling: %s is %s', (raw, path) => {
    expect(normalised(raw)).toBe(path);
  });

  it.each(['', 'srv', './srv', '/srv/../etc', '/..', '/a\0b', `/${'x'.repeat(256)}`, `/${'x/'.repeat(2_100)}`])(
    'is refused: %j',
    (raw) => {
      expect(normalised(raw)).toMatch(/^! /);
    },
  );

  it('keeps bytes that are not UTF-8', () => {
    const check = normaliseAbsolutePath(Buffer.from([0x2f, 0xff, 0xfe, 0x2f, 0x2f]));
    expect(check).toEqual({ path: Buffer.from([0x2f, 0xff, 0xfe]) });
  });

  it('stays as it is when normalised again, and splits into the names that make it', () => {
    const anyPath = fc
      .array(fc.constantFrom('a', '.', '', 'b c', '\u00e9', 'x.y'))
      .map((names) => `/${names.join('/')}`);
    fc.assert(
      fc.property(anyPath, (raw) => {
        const once = normalised(raw);
        expect(normalised(once)).toBe(once);
        expect(joinPath(splitPath(Buffer.from(once))).toString()).toBe(once);
      }),
    );
  });
});

describe('being at or below a path', () => {
  it.each([
    ['/srv/data', '/', true],
    ['/srv/data', '/srv', true],
    ['/srv/data', '/srv/data', true],
    ['/srv/database', '/srv/data', false],
    ['/srv', '/srv/data', false],
    ['/', '/', true],
    ['/', '/srv', false],
  ])('%s and %s: %s', (path, ancestor, expected) => {
    expect(isAtOrBelow(Buffer.from(path), Buffer.from(ancestor))).toBe(expected);
  });
});
