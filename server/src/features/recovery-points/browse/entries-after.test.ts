import { EntryType, type ParsedNode, treeEntry } from '@holdfast/core/engine';
import { beforeEach, describe, expect, it } from 'vitest';
import { entriesAfter } from './entries-after.js';

const id = (name: string): Buffer => Buffer.from(name.padEnd(32));
const nodes = new Map<string, ParsedNode>();
let fetched: number;

beforeEach(() => {
  nodes.clear();
  fetched = 0;
});

function directory(name: string, entries: readonly string[]): void {
  nodes.set(id(name).toString(), {
    type: 'directory',
    entries: entries.map((each) => treeEntry({ name: Buffer.from(each), type: EntryType.ENTRY_TYPE_FILE })),
  });
}
function index(name: string, parts: readonly (readonly [part: string, firstName: string])[]): void {
  nodes.set(id(name).toString(), {
    type: 'directory-index',
    parts: parts.map(([part, firstName]) => ({ id: id(part), firstName: Buffer.from(firstName), entries: 1 })),
  });
}
async function names(after?: string): Promise<string[]> {
  const found: string[] = [];
  const fetchNode = async (at: Buffer): Promise<ParsedNode> => {
    if (++fetched > 1_000) throw new Error('this goes on for ever');
    return nodes.get(at.toString()) as ParsedNode;
  };
  for await (const { name } of entriesAfter(
    id('root'),
    after === undefined ? undefined : Buffer.from(after),
    fetchNode,
  ))
    found.push(name.toString());
  return found;
}

describe('the entries of a directory behind a name', () => {
  it('come from the parts that can have them, in order', async () => {
    directory('p1', ['a', 'b']);
    directory('p2', ['c', 'd']);
    directory('p3', ['e']);
    index('i1', [
      ['p1', 'a'],
      ['p2', 'c'],
    ]);
    index('root', [
      ['i1', 'a'],
      ['p3', 'e'],
    ]);
    expect(await names()).toEqual(['a', 'b', 'c', 'd', 'e']);
    fetched = 0;
    expect(await names('d')).toEqual(['e']);
    // The root, and what may go on behind d.
    expect(fetched).toBeLessThanOrEqual(4);
  });

  it('are refused where one part is led to again and again', async () => {
    const wide = (part: string): [string, string][] =>
      Array.from({ length: 1_000 }, (_, at) => [part, `z${String(at).padStart(4, '0')}`]);
    directory('leaf', ['a']);
    for (let level = 0; level < 6; level += 1)
      index(level === 0 ? 'root' : `n${level}`, wide(level === 5 ? 'leaf' : `n${level + 1}`));
    await expect(names('b')).rejects.toMatchObject({ kind: 'Integrity', code: 'MALFORMED_TREE' });
    expect(fetched).toBeLessThan(20);
  });

  it.each<[string, () => void]>([
    [
      'starts with another name than its index says',
      () => {
        directory('p', ['b']);
        index('root', [['p', 'a']]);
      },
    ],
    [
      'is empty',
      () => {
        directory('p', []);
        index('root', [['p', 'a']]);
      },
    ],
    [
      'goes on where the next one starts',
      () => {
        directory('p', ['a', 'c']);
        directory('q', ['b']);
        index('root', [
          ['p', 'a'],
          ['q', 'b'],
        ]);
      },
    ],
    ['leads to itself', () => index('root', [['root', 'a']])],
    ['is a file', () => nodes.set(id('root').toString(), { type: 'file', extents: [] })],
  ])('are refused where a part %s', async (_, make) => {
    make();
    await expect(names()).rejects.toMatchObject({ kind: 'Integrity', code: 'MALFORMED_TREE' });
  });
});
