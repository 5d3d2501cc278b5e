import { InvalidPatternError } from '@holdfast/core/path-patterns';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePathRules } from './path-rules.js';

const bytes = (text: string) => Buffer.from(text, 'latin1');

/** Whether a rule set takes a path: itself or one of its directories matches. */
function takes(patterns: (string | Buffer)[], path: string | Buffer, isDirectory = false): boolean {
  const rules = compilePathRules(patterns.map((pattern) => Buffer.from(pattern)));
  const parts = Buffer.from(path).toString('latin1').split('/').slice(1);
  let state = rules.start;
  for (const [i, part] of parts.entries()) {
    const step = rules.advance(state, bytes(part), isDirectory || i < parts.length - 1);
    if (step.matches) return true;
    if (!step.canMatchBelow) return false;
    state = step.state;
  }
  return false;
}

describe('path rules', () => {
  it.each<[pattern: string, path: string, expected: boolean]>([
    ['*.tmp', '/a/b/c.tmp', true],
    ['*.tmp', '/a/b/c.tmpx', false],
    ['*.tmp', '/a/b.tmp/c', true],
    ['cache', '/home/u/cache/x', true],
    ['cache', '/home/u/cached', false],
    ['cache/old', '/home/u/cache/old/x', true],
    ['cache/old', '/home/u/cache/new', false],
    ['/home/*/docs', '/home/u/docs/a', true],
    ['/home/*/docs', '/home/u/v/docs', false],
    ['/home/*/docs', '/x/home/u/docs', false],
    ['/home/**/docs', '/home/docs', true],
    ['/home/**/docs', '/home/a/b/docs', true],
    ['/home/**', '/home/a', true],
    ['/home/**', '/home', false],
    ['**/x', '/x', true],
    ['/a/**/**/b', '/a/b', true],
    ['a?c', '/abc', true],
    ['a?c', '/ac', false],
    ['a?c', '/a\u00e9c', true],
    ['a[b-d]e', '/ace', true],
    ['a[!b-d]e', '/ace', false],
    ['a[^b-d]e', '/axe', true],
    ['a[]-]e', '/a]e', true],
    ['a[]-]e', '/a-e', true],
    ['a\\*e', '/a*e', true],
    ['a\\*e', '/axe', false],
    ['\\!a', '/!a', true],
    ['a*b*c', '/aXbYc', true],
    ['a*b*c', '/aXbY', false],
    ['*', '/anything', true],
  ])('%s on %s: %s', (pattern, path, expected) => {
    expect(takes([pattern], path)).toBe(expected);
  });

  it('matches directories alone when a pattern ends in a slash', () => {
    expect(takes(['build/'], '/p/build')).toBe(false);
    expect(takes(['build/'], '/p/build', true)).toBe(true);
    expect(takes(['build/'], '/p/build/file')).toBe(true);
    expect(takes(['/p/**/'], '/p/file')).toBe(false);
    expect(takes(['/p/**/'], '/p/dir', true)).toBe(true);
  });

  it('works on bytes that are not UTF-8', () => {
    expect(takes([bytes('/a\xff*')], bytes('/a\xff\xfe'))).toBe(true);
    expect(takes([bytes('/a?b')], bytes('/a\xffb'))).toBe(true);
    expect(takes([bytes('/a[\xf0-\xff]b')], bytes('/a\xf8b'))).toBe(true);
  });

  it.each(['', '/', '!a', 'a//b', 'a/../b', './a', 'a[b', 'a\\', 'a[z-a]', 'a\0b', 'a\\/b'])(
    'refuses %j',
    (pattern) => {
      expect(() => compilePathRules([Buffer.from(pattern)])).toThrow(InvalidPatternError);
    },
  );

  it('says when nothing below can match any more', () => {
    const rules = compilePathRules([Buffer.from('/a/b/c')]);
    const a = rules.advance(rules.start, bytes('a'), true);
    expect(a).toMatchObject({ matches: false, canMatchBelow: true });
    expect(rules.advance(a.state, bytes('x'), true)).toMatchObject({ matches: false, canMatchBelow: false });
    expect(rules.advance(rules.start, bytes('b'), true).canMatchBelow).toBe(false);
  });

  it('agrees with regular expressions on every pattern and path', () => {
    const segment = fc.array(fc.constantFrom('a', 'b', '*', '?', '[ab]', '[!a]'), { minLength: 1, maxLength: 4 });
    const pattern = fc.record({
      anchored: fc.boolean(),
      segments: fc.array(fc.oneof({ weight: 3, arbitrary: segment }, fc.constant(['**'])), {
        minLength: 1,
        maxLength: 4,
      }),
    });
    const path = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 }), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(pattern, path, ({ anchored, segments }, parts) => {
        const joined = segments.map((tokens) =>
          tokens.join('').replace(/\*{2,}/g, (stars, _at, whole) => (whole === '**' ? stars : '*')),
        );
        const text = (anchored ? '/' : '') + joined.join('/');
        const subject = `/${parts.join('/')}`;
        expect(takes([text], subject)).toBe(reference(joined, anchored).test(`${subject}/`));
      }),
      { numRuns: 3000 },
    );
  });

  it('takes no time for patterns that make others backtrack', () => {
    const started = performance.now();
    expect(takes([`${'a*'.repeat(60)}b`, '**/a/**/a/**/a/**/a/**/b'], `/${'a/'.repeat(60)}${'a'.repeat(200)}`)).toBe(
      false,
    );
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

/** The rules' meaning as one expression over the path with a slash behind each component. */
function reference(segments: string[], anchored: boolean): RegExp {
  const name = '[^/]+/';
  const source = segments.map((segment, i) => {
    if (segment === '**') return i === segments.length - 1 ? `(?:${name})+` : `(?:${name})*`;
    return `(?=[^/])${segment
      .replace(/\*/g, '[^/]*')
      .replace(/\?/g, '[^/]')
      .replace(/\[!a\]/g, '[^a/]')}/`;
  });
  return new RegExp(`^/${anchored ? '' : `(?:${name})*`}${source.join('')}`);
}
