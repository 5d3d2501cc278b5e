import { describe, expect, it } from 'vitest';
import { namesOfPath, planSelection, selectEntry } from './selection.js';

const paths = (...texts: string[]) => texts.map((text) => Buffer.from(text, 'latin1'));
const at = (selection: ReturnType<typeof planSelection>, ...names: string[]) =>
  names.reduce<ReturnType<typeof selectEntry>>(
    (below, name) => below && selectEntry(below, Buffer.from(name, 'latin1')),
    selection,
  );

describe('the selection of a restore', () => {
  it('is everything when nothing is named', () => {
    expect(planSelection([], [])).toBe('all');
    expect(at(planSelection([], []), 'any', 'thing')).toBe('all');
  });

  it('leads to what was named, takes that whole, and nothing beside it', () => {
    const selection = planSelection(
      paths('/srv/data/a', '/srv/data/b/c/', '/srv/data/\xff'),
      namesOfPath(Buffer.from('/srv')),
    );
    expect(at(selection, 'data', 'a')).toBe('all');
    expect(at(selection, 'data', 'a', 'below')).toBe('all');
    expect(at(selection, 'data', 'b', 'c', 'x')).toBe('all');
    expect(at(selection, 'data', '\xff')).toBe('all');
    expect(at(selection, 'data', 'b', 'd')).toBeUndefined();
    expect(at(selection, 'other')).toBeUndefined();
  });

  it('of a folder swallows that of what lies in it, in either order', () => {
    for (const select of [paths('/a', '/a/b'), paths('/a/b', '/a')])
      expect(at(planSelection(select, []), 'a', 'z')).toBe('all');
  });

  it('refuses paths that are not absolute, climb, or lie outside of the base', () => {
    for (const path of ['a', '', '/a/../b', '/a/./b', '/a\0']) {
      expect(() => namesOfPath(Buffer.from(path))).toThrowError(expect.objectContaining({ code: 'PATH_NOT_ABSOLUTE' }));
    }
    expect(() => planSelection(paths('/srvx/a'), namesOfPath(Buffer.from('/srv')))).toThrowError(
      expect.objectContaining({ code: 'SELECTION_OUTSIDE_BASE' }),
    );
  });
});
