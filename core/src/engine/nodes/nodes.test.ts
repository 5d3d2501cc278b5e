import { EntryDefect, EntryType, Node, PackKind } from '@holdfast/proto/vault';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHoldfastError } from '../../errors/index.js';
import { seededRandom } from '../../ids/index.js';
import { ChunkHasher, verifyChunk } from '../chunks/chunk-hasher.js';
import { encodeMessage } from '../format/canonical.js';
import { indexInSet, sortedIdSet } from '../format/id-set.js';
import { DirectoryBuilder } from './directory-builder.js';
import { FileBuilder, type FileExtent } from './file-builder.js';
import { type BuiltNode, NodeWriter } from './node-writer.js';
import { type ParsedNode, parseNode } from './parse-node.js';
import { lookupEntry, readDirectory, readExtents, resolvePath } from './read-tree.js';
import { type ContentRef, type TreeEntry, treeEntry } from './tree-entry.js';

const hasher = new ChunkHasher(Buffer.alloc(32, 1));
const chunkerKey = Buffer.alloc(32, 2);
const INTEGRITY: unknown = expect.objectContaining({ kind: 'Integrity' });
const VALIDATION: unknown = expect.objectContaining({ kind: 'Validation' });

/** A vault of nodes in memory that verifies what it gives out, as a real one does. */
class NodeVault {
  readonly nodes = new Map<string, BuiltNode>();
  readonly writer = new NodeWriter(hasher, chunkerKey, (node) => void this.nodes.set(node.id.toString('hex'), node));
  fetched = 0;

  readonly fetch = async (id: Buffer): Promise<ParsedNode> => {
    this.fetched++;
    const node = this.nodes.get(id.toString('hex'));
    if (!node) throw new Error('no such node');
    verifyChunk(hasher, PackKind.PACK_KIND_NODE, id, node.edges, node.plaintext);
    return parseNode(node.plaintext, node.edges);
  };

  directory(entries: readonly TreeEntry[]): Buffer {
    const builder = new DirectoryBuilder(this.writer);
    for (const entry of entries) builder.add(entry);
    return builder.finish();
  }

  file(extents: readonly FileExtent[], size: number): ContentRef | undefined {
    const builder = new FileBuilder(this.writer);
    for (const extent of extents) builder.add(extent);
    return builder.finish(size);
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function byName(entries: readonly TreeEntry[]): TreeEntry[] {
  const distinct = new Map(entries.map((entry) => [entry.name.toString('latin1'), entry]));
  return [...distinct.values()].sort((a, b) => Buffer.compare(a.name, b.name));
}

function numbered(count: number, nameOf = (n: number) => `file-${String(n).padStart(7, '0')}`): TreeEntry[] {
  return Array.from({ length: count }, (_, n) =>
    treeEntry({ name: Buffer.from(nameOf(n)), type: EntryType.ENTRY_TYPE_FIFO, mode: 0o644 }),
  );
}

const buffers = (constraints: fc.IntArrayConstraints) => fc.uint8Array(constraints).map((bytes) => Buffer.from(bytes));
const noZero = (constraints: fc.IntArrayConstraints) =>
  buffers(constraints).map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x61 : byte))));
const nameArbitrary = fc.oneof(
  fc.string({ minLength: 1, maxLength: 20 }).map((text) => Buffer.from(text.replace(/[/\0]|^\.+$/g, '_'))),
  noZero({ minLength: 3, maxLength: 60 }),
);
const idArbitrary = buffers({ minLength: 32, maxLength: 32 });
const metadata = {
  name: nameArbitrary,
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.nat(0xffffffff),
  gid: fc.nat(0xffffffff),
  mtimeSeconds: fc.maxSafeInteger(),
  mtimeNanos: fc.nat(999_999_999),
  xattrs: fc
    .uniqueArray(fc.record({ name: noZero({ minLength: 1, maxLength: 20 }), value: buffers({ maxLength: 30 }) }), {
      maxLength: 3,
      selector: (each) => each.name.toString('latin1'),
    })
    .map((xattrs) => xattrs.sort((a, b) => Buffer.compare(a.name, b.name))),
};
const entryArbitrary: fc.Arbitrary<TreeEntry> = fc.oneof(
  fc
    .record({
      ...metadata,
      size: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      id: idArbitrary,
      kind: fc.constantFrom('chunk' as const, 'node' as const),
      hardLinkGroup: noZero({ maxLength: 9 }),
    })
    .map(({ id, kind, ...rest }) => treeEntry({ ...rest, type: EntryType.ENTRY_TYPE_FILE, content: { kind, id } })),
  fc
    .record({ ...metadata, id: idArbitrary, leadsToRoot: fc.boolean() })
    .map(({ id, ...rest }) =>
      treeEntry({ ...rest, type: EntryType.ENTRY_TYPE_DIRECTORY, content: { kind: 'node', id } }),
    ),
  fc
    .record({ ...metadata, linkTarget: noZero({ minLength: 1, maxLength: 40 }) })
    .map((rest) => treeEntry({ ...rest, type: EntryType.ENTRY_TYPE_SYMLINK })),
  fc
    .record({ ...metadata, deviceMajor: fc.nat(0xffffffff), deviceMinor: fc.nat(0xffffffff) })
    .map((rest) => treeEntry({ ...rest, type: EntryType.ENTRY_TYPE_BLOCK_DEVICE })),
  fc
    .record(metadata)
    .map((rest) =>
      treeEntry({ ...rest, type: EntryType.ENTRY_TYPE_FILE, defect: EntryDefect.ENTRY_DEFECT_UNREADABLE }),
    ),
);

describe('a directory', () => {
  it('gives back every entry with everything in it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(entryArbitrary, { maxLength: 12 }), async (entries) => {
        const vault = new NodeVault();
        const sorted = byName(entries);
        expect((await collect(readDirectory(vault.directory(sorted), vault.fetch))).flat()).toEqual(sorted);
      }),
      { numRuns: 200 },
    );
  });

  it('of any size stays in order, is searched through few nodes, and keeps nodes within bounds', async () => {
    for (const count of [0, 1, 255, 256, 1024, 1025, 3_000, 20_000]) {
      const vault = new NodeVault();
      const entries = numbered(count);
      const id = vault.directory(entries);
      for (const node of vault.nodes.values()) {
        const parsed = parseNode(node.plaintext, node.edges);
        expect(
          parsed.type === 'directory'
            ? parsed.entries.length
            : parsed.type === 'directory-index' && parsed.parts.length,
        ).toBeLessThanOrEqual(1024);
      }
      if (count > 3_000) {
        vault.fetched = 0;
        expect((await lookupEntry(id, Buffer.from('file-0013456'), vault.fetch))?.name.toString()).toBe('file-0013456');
        expect(vault.fetched).toBeLessThanOrEqual(3);
        continue;
      }
      const names = (await collect(readDirectory(id, vault.fetch))).flat().map((entry) => entry.name.toString());
      expect(names).toEqual(entries.map((entry) => entry.name.toString()));
      for (const name of names.filter((_, n) => n % 97 === 0))
        expect((await lookupEntry(id, Buffer.from(name), vault.fetch))?.name.toString()).toBe(name);
      for (const absent of ['', 'a', 'file-', 'file-0000000x', 'z'])
        expect(await lookupEntry(id, Buffer.from(absent), vault.fetch)).toBeUndefined();
    }
  });

  it('of many entries shares nearly all nodes with one that has one entry more', () => {
    const before = new NodeVault();
    before.directory(numbered(12_000));
    for (const added of ['file-0000000a', 'file-0006000a', 'zzz', 'a']) {
      const after = new NodeVault();
      after.directory(byName([...numbered(12_000), ...numbered(1, () => added)]));
      const fresh = [...after.nodes.keys()].filter((id) => !before.nodes.has(id));
      expect(after.nodes.size).toBeGreaterThan(15);
      expect(fresh.length).toBeLessThanOrEqual(6);
    }
  });

  it('splits before long attributes make a node too long', () => {
    const vault = new NodeVault();
    const value = seededRandom('x').bytes(1_000_000);
    vault.directory(numbered(30).map((entry) => ({ ...entry, xattrs: [{ name: Buffer.from('user.big'), value }] })));
    expect(vault.nodes.size).toBeGreaterThan(7);
    for (const node of vault.nodes.values()) expect(node.plaintext.length).toBeLessThan(8 << 20);
  });

  it('takes no entry that the format cannot hold', () => {
    const name = Buffer.from('n');
    const id = Buffer.alloc(32);
    const file = EntryType.ENTRY_TYPE_FILE;
    const directory = EntryType.ENTRY_TYPE_DIRECTORY;
    const bad: TreeEntry[] = [
      ...['', '.', '..', 'a/b', 'a\0'].map((each) => treeEntry({ name: Buffer.from(each), type: file })),
      treeEntry({ name: Buffer.alloc(1025, 'n'), type: file }),
      treeEntry({ name, type: EntryType.ENTRY_TYPE_UNSPECIFIED }),
      treeEntry({ name, type: 8 as EntryType }),
      treeEntry({ name, type: file, mode: 0o10000 }),
      treeEntry({ name, type: file, uid: -1 }),
      treeEntry({ name, type: file, uid: 2 ** 32 }),
      treeEntry({ name, type: file, mtimeNanos: 1e9 }),
      treeEntry({ name, type: file, mtimeSeconds: 0.5 }),
      treeEntry({ name, type: file, size: -1 }),
      treeEntry({ name, type: file, content: { kind: 'chunk', id } }),
      treeEntry({ name, type: file, size: 1, content: { kind: 'chunk', id: Buffer.alloc(31) } }),
      treeEntry({
        name,
        type: file,
        size: 1,
        content: { kind: 'chunk', id },
        defect: EntryDefect.ENTRY_DEFECT_UNREADABLE,
      }),
      treeEntry({ name, type: file, linkTarget: Buffer.from('x') }),
      treeEntry({ name, type: file, leadsToRoot: true }),
      treeEntry({ name, type: file, deviceMajor: 1 }),
      treeEntry({ name, type: directory }),
      treeEntry({ name, type: directory, content: { kind: 'chunk', id } }),
      treeEntry({ name, type: directory, content: { kind: 'node', id }, size: 1 }),
      treeEntry({ name, type: EntryType.ENTRY_TYPE_SYMLINK }),
      treeEntry({
        name,
        type: file,
        xattrs: [
          { name: Buffer.from('b'), value: id },
          { name: Buffer.from('a'), value: id },
        ],
      }),
    ];
    for (const entry of bad)
      expect(() => new DirectoryBuilder(new NodeVault().writer).add(entry)).toThrowError(VALIDATION);
    const builder = new DirectoryBuilder(new NodeVault().writer);
    builder.add(treeEntry({ name, type: file }));
    expect(() => builder.add(treeEntry({ name, type: file }))).toThrowError(VALIDATION);
  });

  it('leads along a path to an entry', async () => {
    const vault = new NodeVault();
    const inner = vault.directory([
      treeEntry({ name: Buffer.from('leaf'), type: EntryType.ENTRY_TYPE_FILE, mode: 0o600 }),
    ]);
    const root = vault.directory([
      treeEntry({
        name: Buffer.from('dir'),
        type: EntryType.ENTRY_TYPE_DIRECTORY,
        content: { kind: 'node', id: inner },
      }),
      treeEntry({ name: Buffer.from('file'), type: EntryType.ENTRY_TYPE_FILE }),
    ]);
    const resolve = (...names: string[]) =>
      resolvePath(
        root,
        names.map((name) => Buffer.from(name)),
        vault.fetch,
      );
    expect((await resolve('dir', 'leaf'))?.mode).toBe(0o600);
    expect((await resolve('dir'))?.content?.id.equals(inner)).toBe(true);
    for (const absent of [
      ['dir', 'nope'],
      ['file', 'leaf'],
      ['nope', 'leaf'],
    ])
      expect(await resolve(...absent)).toBeUndefined();
  });
});

describe('a file', () => {
  const extentsArbitrary = fc
    .array(
      fc.record({
        hole: fc.oneof(fc.constant(0), fc.nat(1000)),
        length: fc.integer({ min: 1, max: 8 << 20 }),
        id: idArbitrary,
      }),
      { maxLength: 20 },
    )
    .map((runs) => {
      let end = 0;
      return runs.map(({ hole, length, id }) => {
        const offset = end + hole;
        end = offset + length;
        return { id, offset, length };
      });
    });

  it('gives back its extents, holes and all', async () => {
    await fc.assert(
      fc.asyncProperty(extentsArbitrary, fc.nat(5000), async (extents, tail) => {
        const vault = new NodeVault();
        const last = extents.at(-1);
        const size = (last ? last.offset + last.length : 0) + tail;
        const content = vault.file(extents, size);
        expect(content?.kind).toBe(
          extents.length === 0 ? undefined : extents.length === 1 && extents[0]?.length === size ? 'chunk' : 'node',
        );
        expect(await collect(readExtents(content, size, vault.fetch))).toEqual(extents);
      }),
    );
  });

  it('of many extents is split, and an insertion leaves most parts alone', async () => {
    const random = seededRandom('extents');
    const ids = Array.from({ length: 20_000 }, () => random.bytes(32));
    const extentsOf = (list: Buffer[]) => list.map((id, n) => ({ id, offset: n * 1000, length: 1000 }));
    const vault = new NodeVault();
    const content = vault.file(extentsOf(ids), 20_000_000);
    expect(await collect(readExtents(content, 20_000_000, vault.fetch))).toEqual(extentsOf(ids));
    expect(vault.nodes.size).toBeGreaterThan(20);
    const changed = new NodeVault();
    changed.file(extentsOf(ids.with(10_000, random.bytes(32))), 20_000_000);
    expect([...changed.nodes.keys()].filter((id) => !vault.nodes.has(id)).length).toBeLessThanOrEqual(4);
  });

  it('takes no extents that overlap, run backwards or beyond its end', () => {
    const id = Buffer.alloc(32);
    const add = (...extents: FileExtent[]) => new NodeVault().file(extents, 100);
    for (const bad of [
      [{ id, offset: 0, length: 0 }],
      [{ id, offset: -1, length: 5 }],
      [{ id, offset: 0, length: 9 << 20 }],
      [
        { id, offset: 10, length: 10 },
        { id, offset: 19, length: 5 },
      ],
      [{ id, offset: 90, length: 11 }],
    ]) {
      expect(() => add(...bad)).toThrowError(VALIDATION);
    }
  });
});

describe('a stored node', () => {
  const vault = new NodeVault();
  const a = Buffer.alloc(32, 0xa);
  const b = Buffer.alloc(32, 0xb);
  vault.file(
    [
      { id: a, offset: 0, length: 10 },
      { id: b, offset: 20, length: 10 },
    ],
    30,
  );
  vault.directory([
    treeEntry({ name: Buffer.from('x'), type: EntryType.ENTRY_TYPE_FILE, size: 3, content: { kind: 'chunk', id: a } }),
  ]);

  it('with any bit flipped or end cut off is refused by its id, and parses to a sound node or not at all', async () => {
    for (const node of vault.nodes.values()) {
      for (let bit = 0; bit < node.plaintext.length * 8; bit++) {
        const flipped = Buffer.from(node.plaintext);
        flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        expect(() => verifyChunk(hasher, PackKind.PACK_KIND_NODE, node.id, node.edges, flipped)).toThrowError(
          INTEGRITY,
        );
        try {
          parseNode(flipped, node.edges);
        } catch (error) {
          expect(isHoldfastError(error, 'Integrity')).toBe(true);
        }
      }
      for (let length = 0; length < node.plaintext.length; length++)
        expect(() => parseNode(node.plaintext.subarray(0, length), node.edges)).toThrowError(INTEGRITY);
    }
  });

  it('that breaks a rule is refused', () => {
    const edges = sortedIdSet([a, b]);
    const one = sortedIdSet([a]);
    const none = Buffer.alloc(0);
    const entry = {
      ...treeEntry({ name: Buffer.from('x'), type: EntryType.ENTRY_TYPE_FIFO }),
      mtimeSeconds: 0n,
      size: 0n,
      xattrs: [],
      content: undefined,
    };
    const extent = (edge: number, offset: number, length: number) => ({ edge, offset: BigInt(offset), length });
    const bad: [string, Node['body'], Buffer][] = [
      ['no body', undefined, none],
      ['an edge out of range', { $case: 'file', value: { extents: [extent(1, 0, 1)] } }, one],
      ['an edge unused', { $case: 'file', value: { extents: [extent(0, 0, 1)] } }, edges],
      [
        'edges out of order',
        { $case: 'file', value: { extents: [extent(0, 0, 1), extent(1, 5, 1)] } },
        Buffer.concat([b, a]),
      ],
      ['no extents', { $case: 'file', value: { extents: [] } }, none],
      ['extents out of order', { $case: 'file', value: { extents: [extent(0, 5, 1), extent(0, 0, 1)] } }, one],
      ['extents that overlap', { $case: 'file', value: { extents: [extent(0, 0, 5), extent(0, 4, 5)] } }, one],
      ['an extent without length', { $case: 'file', value: { extents: [extent(0, 0, 0)] } }, one],
      ['an extent beyond any chunk', { $case: 'file', value: { extents: [extent(0, 0, 9 << 20)] } }, one],
      [
        'an offset beyond measure',
        { $case: 'file', value: { extents: [{ edge: 0, offset: 2n ** 60n, length: 1 }] } },
        one,
      ],
      [
        'names out of order',
        { $case: 'directory', value: { entries: [{ ...entry, name: Buffer.from('y') }, entry] } },
        none,
      ],
      ['a name twice', { $case: 'directory', value: { entries: [entry, entry] } }, none],
      [
        'a name with a slash',
        { $case: 'directory', value: { entries: [{ ...entry, name: Buffer.from('../etc') }] } },
        none,
      ],
      [
        'too many entries',
        { $case: 'directory', value: { entries: numbered(1025).map((each) => ({ ...entry, name: each.name })) } },
        none,
      ],
      [
        'a content without reference',
        {
          $case: 'directory',
          value: { entries: [{ ...entry, type: EntryType.ENTRY_TYPE_FILE, size: 1n, content: { ref: undefined } }] },
        },
        none,
      ],
      ['an empty index', { $case: 'directoryIndex', value: { parts: [] } }, none],
      [
        'an empty part',
        { $case: 'directoryIndex', value: { parts: [{ edge: 0, firstName: Buffer.from('x'), entries: 0n }] } },
        one,
      ],
      [
        'parts that overlap',
        {
          $case: 'fileIndex',
          value: {
            parts: [
              { edge: 0, offset: 0n, length: 9n },
              { edge: 0, offset: 8n, length: 9n },
            ],
          },
        },
        one,
      ],
    ];
    for (const [what, body, set] of bad) {
      expect(() => parseNode(encodeMessage(Node, { body }), set), what).toThrowError(INTEGRITY);
    }
  });

  it('of random bytes is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          parseNode(bytes, Buffer.alloc(0));
        } catch (error) {
          expect(isHoldfastError(error, 'Integrity')).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a tree whose nodes do not fit together', () => {
  const name = (text: string) => Buffer.from(text);

  async function read(parts: { entries: TreeEntry[]; firstName?: string; count?: number }[]) {
    const vault = new NodeVault();
    const described = parts.map(({ entries, firstName, count }) => ({
      id: vault.directory(entries),
      firstName: firstName === undefined ? (entries[0]?.name ?? name('')) : name(firstName),
      entries: BigInt(count ?? entries.length),
    }));
    const root = vault.writer.write(
      described.map((part) => part.id),
      (edgeOf) => ({
        $case: 'directoryIndex',
        value: { parts: described.map(({ id, ...part }) => ({ ...part, edge: edgeOf(id) })) },
      }),
    );
    return (await collect(readDirectory(root, vault.fetch))).flat();
  }

  const xs = numbered(3, (n) => `x${n}`);
  const ys = numbered(3, (n) => `y${n}`);

  it('is refused where parts lie about their names, numbers or order', async () => {
    expect((await read([{ entries: xs }, { entries: ys }])).length).toBe(6);
    await expect(read([{ entries: xs, firstName: 'x' }, { entries: ys }])).rejects.toEqual(INTEGRITY);
    await expect(read([{ entries: xs, count: 4 }, { entries: ys }])).rejects.toEqual(INTEGRITY);
    await expect(read([{ entries: [...xs, ...ys] }, { entries: numbered(2, (n) => `xb${n}`) }])).rejects.toEqual(
      INTEGRITY,
    );
  });

  it('is refused where an index leads to a node of the other sort, or too deep', async () => {
    const vault = new NodeVault();
    const file = vault.file([{ id: Buffer.alloc(32), offset: 5, length: 5 }], 20) as ContentRef;
    const directory = vault.directory(xs);
    await expect(collect(readDirectory(file.id, vault.fetch))).rejects.toEqual(INTEGRITY);
    await expect(lookupEntry(file.id, name('x'), vault.fetch)).rejects.toEqual(INTEGRITY);
    await expect(collect(readExtents({ kind: 'node', id: directory }, 20, vault.fetch))).rejects.toEqual(INTEGRITY);
    await expect(collect(readExtents(file, 9, vault.fetch))).rejects.toEqual(INTEGRITY);
    await expect(collect(readExtents({ kind: 'chunk', id: directory }, 9 << 20, vault.fetch))).rejects.toEqual(
      INTEGRITY,
    );
    let deep = directory;
    for (let level = 0; level < 9; level++) {
      const child = deep;
      deep = vault.writer.write([child], () => ({
        $case: 'directoryIndex',
        value: { parts: [{ edge: 0, firstName: name('x0'), entries: 3n }] },
      }));
    }
    await expect(collect(readDirectory(deep, vault.fetch))).rejects.toEqual(INTEGRITY);
    await expect(lookupEntry(deep, name('x1'), vault.fetch)).rejects.toEqual(INTEGRITY);
  });
});

describe('an id set', () => {
  it('is sorted, without repeats, and finds what it holds', () => {
    fc.assert(
      fc.property(fc.array(idArbitrary, { maxLength: 40 }), idArbitrary, (ids, other) => {
        const set = sortedIdSet([...ids, ...ids]);
        expect(set.length).toBe(new Set(ids.map((id) => id.toString('hex'))).size * 32);
        for (const id of ids)
          expect(
            set
              .subarray(indexInSet(set, id) * 32)
              .subarray(0, 32)
              .equals(id),
          ).toBe(true);
        expect(indexInSet(set, other)).toBe(-1);
      }),
    );
  });
});
