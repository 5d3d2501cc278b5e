import { EntryType, MAX_TREE_DEPTH, type ParsedNode, treeEntry } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { describe, expect, it } from 'vitest';
import type { Selection } from './selection.js';
import { type RestoreItem, walkTree } from './tree-walk.js';

const id = (name: string): Buffer => Buffer.from(name.padEnd(32));
const directoryEntry = (name: string, node: string) =>
  treeEntry({ name: Buffer.from(name), type: EntryType.ENTRY_TYPE_DIRECTORY, content: { kind: 'node', id: id(node) } });
const fileEntry = (name: string) => treeEntry({ name: Buffer.from(name), type: EntryType.ENTRY_TYPE_FILE });

/** Every level has a thousand directories that are all the same: a few stored nodes, and more entries than there is time for. */
const LEVELS = Array.from({ length: 31 }, (_, level): ParsedNode => {
  const names = Array.from(
    { length: level === 30 ? 0 : 1_000 },
    (_each, index) => `d${String(index).padStart(4, '0')}`,
  );
  return { type: 'directory', entries: names.map((name) => directoryEntry(name, String(level + 1))) };
});
const bomb = async (at: Buffer): Promise<ParsedNode> => LEVELS[Number(at.toString())] as ParsedNode;

interface Walked {
  readonly declaredEntries?: number;
  readonly throwIfStopped?: () => void;
  readonly selection?: Selection;
  readonly root?: string;
}

function walk(
  fetchNode: (at: Buffer) => Promise<ParsedNode>,
  { declaredEntries = 0, throwIfStopped = () => undefined, selection = 'all', root = '0' }: Walked = {},
): AsyncGenerator<RestoreItem> {
  return oneByOne(walkTree(id(root), selection, fetchNode, { declaredEntries, throwIfStopped }));
}

async function* oneByOne(walk: AsyncIterable<readonly RestoreItem[]>): AsyncGenerator<RestoreItem> {
  for await (const items of walk) yield* items;
}

describe('the walk of a restore through a tree that was made to harm', () => {
  it('ends where it goes on far beyond what the point says of itself', async () => {
    let entered = 0;
    const walking = (async () => {
      for await (const { kind } of walk(bomb, { declaredEntries: 31 })) if (kind === 'enter') entered += 1;
    })();
    await expect(walking).rejects.toMatchObject({
      kind: 'Integrity',
      code: 'LARGER_THAN_DECLARED',
      details: { declaredEntries: '31' },
    });
    expect(entered).toBeLessThan(11_000);
  });

  it('lets timers have their turn and can be stopped, whatever the point says and although every node is at hand', async () => {
    let stopped = false;
    setTimeout(() => (stopped = true), 50);
    const throwIfStopped = (): undefined => {
      if (stopped) throw new HoldfastError({ kind: 'Cancelled', code: 'JOB_STOPPED', message: 'stopped' });
    };
    const walking = Array.fromAsync(walk(bomb, { declaredEntries: Number.MAX_SAFE_INTEGER, throwIfStopped }), () => 0);
    await expect(walking).rejects.toMatchObject({ kind: 'Cancelled' });
  });

  it('is stopped also where nothing of what it goes through is wanted', async () => {
    const selection: Selection = new Map([['absent', 'all']]);
    let asked = 0;
    const throwIfStopped = (): undefined => {
      asked += 1;
      return undefined;
    };
    expect(await Array.fromAsync(walk(bomb, { selection, throwIfStopped, declaredEntries: 31 }))).toEqual([
      { kind: 'absent', name: Buffer.from('absent') },
    ]);
    expect(asked).toBeGreaterThan(1_000);
  });

  it('takes a directory that is too deep for damaged, and goes on with the rest', async () => {
    const chain = async (): Promise<ParsedNode> => ({
      type: 'directory',
      entries: [directoryEntry('d', '0'), fileEntry('f')],
    });
    const counts = new Map<string, number>();
    let depth = 0;
    for await (const { kind } of walk(chain, { declaredEntries: 10_000 })) {
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      depth += kind === 'enter' ? 1 : kind === 'leave' ? -1 : 0;
    }
    expect(Object.fromEntries(counts)).toEqual({
      enter: MAX_TREE_DEPTH - 1,
      leave: MAX_TREE_DEPTH - 1,
      file: MAX_TREE_DEPTH,
      damaged: 1,
    });
    expect(depth).toBe(0);
  });
});
