import { describe, expect, it } from 'vitest';
import { parsePattern } from './parse-pattern.js';
import { InvalidPatternError, type PatternToken } from './path-pattern.js';

const parse = (pattern: string) => parsePattern(Buffer.from(pattern, 'latin1'));
const literal = (text: string): PatternToken[] =>
  [...Buffer.from(text, 'latin1')].map((byte) => ({ kind: 'byte', byte }));
const set = (members: string, negated = false): PatternToken => ({
  kind: 'set',
  bytes: new Set(Buffer.from(members, 'latin1')),
  negated,
});
const star: PatternToken = { kind: 'star' };

describe('a pattern', () => {
  it.each<[pattern: string, components: ReturnType<typeof parse>['components']]>([
    ['*.o', [[star, ...literal('.o')]]],
    ['a**b', [[...literal('a'), star, ...literal('b')]]],
    ['**/node_modules', ['any', literal('node_modules')]],
    ['a?b', [[...literal('a'), { kind: 'one' }, ...literal('b')]]],
    ['[a-c]*', [[set('abc'), star]]],
    ['[!a]', [[set('a', true)]]],
    ['[^a]', [[set('a', true)]]],
    ['[]x]', [[set(']x')]]],
    ['[!]x]', [[set(']x', true)]]],
    ['[\\]]', [[set(']')]]],
    ['[a-]', [[set('a-')]]],
    ['[\\a-\\c]', [[set('abc')]]],
    ['\\!important', [literal('!important')]],
    ['a\\*b', [literal('a*b')]],
    ['..x', [literal('..x')]],
    ['...', [literal('...')]],
    ['a\xff', [literal('a\xff')]],
    ['x'.repeat(4_096), [literal('x'.repeat(4_096))]],
  ])('is taken apart: %s', (pattern, components) => {
    expect(parse(pattern)).toEqual({ components, anchored: false, directoriesOnly: false });
  });

  it('is anchored by a slash before it, and means directories by one behind it', () => {
    const components = [literal('srv'), literal('cache')];
    expect(parse('/srv/cache')).toEqual({ components, anchored: true, directoriesOnly: false });
    expect(parse('srv/cache/')).toEqual({ components, anchored: false, directoriesOnly: true });
    expect(parse('/srv/cache/')).toEqual({ components, anchored: true, directoriesOnly: true });
  });

  it.each([
    ['', 'is empty'],
    ['x'.repeat(4_097), 'is longer than 4096 bytes'],
    ['a\0b', 'holds a NUL byte'],
    ['!x', 'cannot be negated; write \\! for a leading exclamation mark'],
    ['/', 'names nothing'],
    ['//', 'has an empty component'],
    ['a//b', 'has an empty component'],
    ['a/./b', 'has . or .. as a component'],
    ['./a', 'has . or .. as a component'],
    ['../a', 'has . or .. as a component'],
    ['a/../b', 'has . or .. as a component'],
    ['x\\', 'ends in a backslash'],
    ['a\\/b', 'escapes a slash, which cannot be'],
    ['[abc', 'has a set that is not closed'],
    ['[', 'has a set that is not closed'],
    ['[]', 'has a set that is not closed'],
    ['[!', 'has a set that is not closed'],
    ['[a\\', 'has a set that is not closed'],
    ['[a-', 'has a set that is not closed'],
    // A set lies within one component.
    ['[a/b]', 'has a set that is not closed'],
    ['[z-a]', 'has a range that runs backwards'],
  ])('is refused with what is wrong: %j %s', (pattern, problem) => {
    expect(() => parse(pattern)).toThrow(new InvalidPatternError(problem, Buffer.from(pattern)));
  });
});
