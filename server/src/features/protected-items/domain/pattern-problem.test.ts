import { describe, expect, it } from 'vitest';
import { patternProblem } from './pattern-problem.js';

describe('an include or exclude pattern', () => {
  it.each([
    '*.o',
    '/srv/cache/',
    '**/node_modules',
    'a?b',
    '[a-z]*',
    '[!a]',
    '[]x]',
    '[\\]]',
    '\\!important',
    'a\\*b',
    '..x',
    '[a-]',
  ])('is accepted: %s', (pattern) => {
    expect(patternProblem(Buffer.from(pattern))).toBeUndefined();
  });

  it.each([
    '',
    '/',
    '!x',
    'a//b',
    'a/./b',
    '../a',
    'x\\',
    'a\\/b',
    '[abc',
    '[',
    '[]',
    '[z-a]',
    '[a/b]',
    'a\0b',
    'x'.repeat(4_097),
  ])('is refused as an agent would refuse it: %j', (pattern) => {
    expect(patternProblem(Buffer.from(pattern))).toMatch(/\w/);
  });
});
