import { describe, expect, it } from 'vitest';
import { checkFilesDatasource } from './files-datasource.js';

const bytes = (...texts: string[]) => texts.map((text) => Buffer.from(text));
const input = (overrides: Partial<Parameters<typeof checkFilesDatasource>[0]> = {}) => ({
  roots: bytes('/srv'),
  include: [],
  exclude: [],
  oneFileSystem: false,
  ...overrides,
});

describe('a FILES datasource', () => {
  it('keeps its roots in their one spelling, each once, in the order given', () => {
    const checked = checkFilesDatasource(input({ roots: bytes('/srv//b/', '/a', '/srv/b', '/srv') }), 'files');
    expect(checked.roots.map(String)).toEqual(['/srv/b', '/a', '/srv']);
  });

  it.each([
    [{ roots: [] }, 'files.roots', 'NO_ROOTS'],
    [{ roots: bytes('/a', 'relative') }, 'files.roots.1', 'BAD_ROOT'],
    [{ roots: bytes('/a/../b') }, 'files.roots.0', 'BAD_ROOT'],
    [{ roots: Array.from({ length: 101 }, (_, index) => Buffer.from(`/${index}`)) }, 'files.roots', 'TOO_MANY_ROOTS'],
    [{ include: bytes('*.c', '') }, 'files.include.1', 'BAD_PATTERN'],
    [{ exclude: bytes('a\0b') }, 'files.exclude.0', 'BAD_PATTERN'],
    [{ exclude: bytes('x'.repeat(4_097)) }, 'files.exclude.0', 'BAD_PATTERN'],
    [{ exclude: Array.from({ length: 1_001 }, () => Buffer.from('*')) }, 'files.exclude', 'TOO_MANY_PATTERNS'],
  ])('is refused with the field that is wrong: %#', (overrides, field, code) => {
    expect(() => checkFilesDatasource(input(overrides), 'files')).toThrow(
      expect.objectContaining({ kind: 'Validation', code, details: { field } }),
    );
  });

  it('says what is wrong with a pattern that no agent could match by', () => {
    expect(() => checkFilesDatasource(input({ exclude: bytes('[z-a]') }), 'files')).toThrow(
      'The pattern has a range that runs backwards.',
    );
  });
});
