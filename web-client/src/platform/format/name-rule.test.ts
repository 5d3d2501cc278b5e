import { describe, expect, it } from 'vitest';
import { nameProblem } from './name-rule';

describe('a name', () => {
  it.each(['web-1', 'web host', 'Büro (alt)', '7', ' padded ', 'x'.repeat(63)])('may be %j', (name) => {
    expect(nameProblem(name)).toBeUndefined();
  });

  it.each(['-web', 'web/1', 'a#3', '.hidden', ' ', 'x'.repeat(64)])('may not be %j', (name) => {
    expect(nameProblem(name)).toMatch(/^A name has 1 to 63/);
  });

  it('is not wrong before anything was typed', () => {
    expect(nameProblem('')).toBeUndefined();
  });
});
