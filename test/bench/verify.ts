import { describeTree, type EntryDescription } from '../kit/tree/describe-tree.js';
import { diffTrees } from '../kit/tree/diff-trees.js';

export type Tree = ReadonlyMap<string, EntryDescription>;

/** What a peer is held to: it restored the files. How faithfully it sets holes and attributes is its own affair. */
const CONTENT = new Set(['presence', 'type', 'size', 'content', 'link target']);

export function describe(folder: string): Tree {
  return describeTree(folder);
}

/**
 * Compares what was restored with what was backed up. Reads all of both: never within a measurement.
 * @throws Error on any difference
 */
export function verifyRestore(contender: string, expected: Tree, folder: string, thorough: boolean): void {
  const { differences } = diffTrees(expected, describeTree(folder), { privileged: process.getuid?.() === 0 });
  const counted = thorough
    ? differences
    : differences.filter(
        ({ path, aspect }) => CONTENT.has(aspect) && !['socket', 'fifo'].includes(expected.get(path)?.kind ?? ''),
      );
  const [first] = counted;
  if (first === undefined) return;
  const { path, aspect, expected: wanted, actual } = first;
  throw new Error(
    `what ${contender} restored differs in ${counted.length} places, the first: ${path || '.'}: ${aspect}: expected ${wanted}, found ${actual}`,
  );
}
