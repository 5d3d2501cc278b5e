import { describe, expect, it } from 'vitest';
import { SplitLevels } from './split-levels.js';

interface Part {
  readonly level: number;
  readonly leaves: number[];
}

function split(leaves: Iterable<number>, weight = 1) {
  const sizes: number[] = [];
  const made = (items: readonly unknown[], level: number, below: number[]): Part => {
    sizes.push(items.length);
    return { level, leaves: below };
  };
  const levels = new SplitLevels<number, Part>({
    splitsBefore: (level, item) =>
      Math.imul(typeof item === 'number' ? item : (item.leaves[0] ?? 0) + level, 0x9e3779b1) >>> 24 === 0,
    weight: (item) => (typeof item === 'number' ? weight : 1),
    makeLeaf: (items) => made(items, 0, [...items]),
    makeIndex: (parts) =>
      made(
        parts,
        1 + Math.max(...parts.map((part) => part.level)),
        parts.flatMap((part) => part.leaves),
      ),
  });
  for (const leaf of leaves) levels.add(leaf);
  return { root: levels.finish(), sizes };
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

describe('splitting a long list', () => {
  it('keeps every item, in order, below one node, with as few levels as that takes', () => {
    const levels = [0, 1, 200, 5_000, 700_000].map((count) => {
      const { root, sizes } = split(upTo(count));
      expect(root.leaves).toEqual(upTo(count));
      expect(Math.max(...sizes)).toBeLessThanOrEqual(1024);
      return root.level;
    });
    expect(levels).toEqual([0, 0, 0, 1, 2]);
  });

  it('starts a node early when items are heavy', () => {
    const { root, sizes } = split(upTo(10), 3 << 20);
    expect(root.leaves).toEqual(upTo(10));
    expect(sizes.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 1));
  });
});
