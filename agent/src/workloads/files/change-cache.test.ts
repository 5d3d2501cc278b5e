import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CacheRecord, NO_BYTES, NO_STAMP } from './change-cache-format.js';
import { type CachedDirectory, isUnchanged, openChangeCache } from './change-cache-reader.js';
import { ChangeCacheWriter, UnwritableChangeCacheError } from './change-cache-writer.js';
import type { ChangeStamp } from './file-entry.js';

/** A directory: files by their size, or directories, by name (one character per byte). */
interface Tree {
  [name: string]: number | Tree;
}

const bytes = (text: string) => Buffer.from(text, 'latin1');
const stampFor = (size: number): ChangeStamp => ({
  mode: 0o644,
  uid: 2 ** 32 - 2,
  gid: 7,
  size,
  mtimeNs: BigInt(size) * 1_000_000_007n - 5_000_000_000_000_000_000n,
  ctimeNs: BigInt(size) + 1n,
  ino: 2n ** 64n - 1n - BigInt(size),
  settled: true,
});

const NOTHING = { name: NO_BYTES, stamp: NO_STAMP, reference: NO_BYTES };
const enter = (name: string): CacheRecord => ({
  ...NOTHING,
  kind: 'enter',
  name: bytes(name),
  stamp: stampFor(name.length),
});
const fileOf = (name: string, size: number): CacheRecord => ({
  kind: 'file',
  name: bytes(name),
  stamp: stampFor(size),
  reference: bytes(`ref-${size}`),
});

const sorted = (tree: Tree) => Object.keys(tree).sort((a, b) => Buffer.compare(bytes(a), bytes(b)));

describe.skipIf(process.platform !== 'linux')('the change cache', () => {
  let dir: string;
  let file: string;
  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-cache-'));
    file = path.join(dir, 'item.changes');
  });
  afterEach(() => fs.rmSync(dir, { recursive: true }));

  const store = (tree: Tree) => {
    const writer = new ChangeCacheWriter(file, bytes('header'));
    const write = (level: Tree) => {
      for (const name of sorted(level)) {
        const value = level[name];
        if (typeof value === 'number') {
          writer.add(fileOf(name, value));
        } else if (value) directory(name, value);
      }
    };
    const directory = (name: string, level: Tree) => {
      writer.add(enter(name));
      write(level);
      writer.add({ ...NOTHING, kind: 'leave', reference: bytes(`dir-${name}`) });
    };
    directory('', tree);
    writer.commit();
  };
  /** Walks a tree beside the cache: the sizes that the cache knows, by path. */
  const compare = (tree: Tree): Record<string, number> => {
    const opened = openChangeCache(file);
    if (opened.status !== 'valid') throw new Error(opened.reason);
    const { cursor } = opened;
    const found: Record<string, number> = {};
    const walk = (level: Tree, prefix: string) => {
      for (const name of sorted(level)) {
        const value = level[name];
        if (typeof value === 'number') {
          const cached = cursor.find(bytes(name));
          if (cached) {
            expect(cached.reference.toString()).toBe(`ref-${cached.stamp.size}`);
            expect(cached.stamp).toEqual(stampFor(cached.stamp.size));
            found[prefix + name] = cached.stamp.size;
          }
        } else if (value) {
          cursor.enterDirectory(bytes(name));
          walk(value, `${prefix}${name}/`);
          cursor.leaveDirectory();
        }
      }
    };
    cursor.enterDirectory(bytes(''));
    walk(tree, '');
    cursor.leaveDirectory();
    cursor.close();
    return found;
  };

  it('gives back what it was told, with its header', () => {
    const tree = { a: 1, b: { c: 2, d: { e: 3 } }, f: 4 };
    store(tree);
    expect(compare(tree)).toEqual({ a: 1, 'b/c': 2, 'b/d/e': 3, f: 4 });
    const opened = openChangeCache(file);
    expect(opened).toMatchObject({ status: 'valid', header: bytes('header') });
    if (opened.status === 'valid') opened.cursor.close();
  });

  it('finds what both trees have, whatever came and went between them', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'A', 'ab', 'a.b', '\xff', '\x01');
    const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
      tree: fc.dictionary(name, fc.oneof({ maxDepth: 4 }, fc.nat(), tie('tree')), {
        maxKeys: 6,
        noNullPrototype: true,
      }),
    }));
    fc.assert(
      fc.property(tree, tree, (before, after) => {
        store(before);
        expect(compare(after)).toEqual(common(before, after, ''));
        expect(compare(before)).toEqual(common(before, before, ''));
      }),
      { numRuns: 80 },
    );
  });

  it('says of a directory whether all of it was found, and hands out what it has in it', async () => {
    const big: Tree = {};
    for (let i = 0; i < 3000; i++) big[`file-${String(i).padStart(6, '0')}`] = i;
    const tree = { a: 1, b: { big, c: { d: 2 } }, e: { f: 3 } };
    store(tree);
    const opened = openChangeCache(file);
    if (opened.status !== 'valid') throw new Error(opened.reason);
    const { cursor } = opened;
    const through = (level: Tree, name: string): CachedDirectory | undefined => {
      cursor.enterDirectory(bytes(name));
      for (const child of sorted(level)) {
        const value = level[child];
        if (typeof value === 'object') left.set(child, through(value, child));
        else cursor.find(bytes(child));
      }
      return cursor.leaveDirectory();
    };
    const left = new Map<string, CachedDirectory | undefined>();
    left.set('', through({ a: 1, b: { big, c: { d: 2 } }, e: { g: 4 }, new: { h: 1 } }, ''));
    expect([...left].map(([name, cached]) => [name, cached?.whole])).toEqual([
      ['big', true],
      ['c', true],
      ['b', true],
      ['e', false],
      ['new', undefined],
      ['', true],
    ]);
    expect(left.get('b')?.reference).toEqual(bytes('dir-b'));

    // Taken over into another cache, it is as if it had been written there.
    const copy = path.join(dir, 'copy.changes');
    const writer = new ChangeCacheWriter(copy, bytes('header'));
    writer.add(enter(''));
    writer.add(fileOf('a', 1));
    writer.add(enter('b'));
    await writer.addRecords(left.get('b')?.records ?? (() => []));
    writer.add({ ...NOTHING, kind: 'leave', reference: bytes('dir-') });
    writer.commit();
    cursor.close();
    fs.renameSync(copy, file);
    expect(compare(tree)).toEqual(compare({ a: 1, b: { big, c: { d: 2 } } }));
    expect(Object.keys(compare(tree)).length).toBe(3002);
  });

  it('ends a cache that takes records over from one whose disk fails', async () => {
    store({ a: { b: 1 } });
    const opened = openChangeCache(file);
    if (opened.status !== 'valid') throw new Error(opened.reason);
    opened.cursor.enterDirectory(bytes(''));
    opened.cursor.enterDirectory(bytes('a'));
    const left = opened.cursor.leaveDirectory();
    fs.truncateSync(file, 20);
    const writer = new ChangeCacheWriter(path.join(dir, 'copy.changes'), bytes('header'));
    await expect(writer.addRecords(left?.records ?? (() => []))).rejects.toBeInstanceOf(UnwritableChangeCacheError);
    writer.discard();
    opened.cursor.close();
  });

  it('keeps records of more than one block', () => {
    const tree: Tree = {};
    for (let i = 0; i < 5000; i++) tree[`file-${String(i).padStart(6, '0')}`] = i;
    store({ big: tree, last: 1 });
    expect(Object.keys(compare({ big: tree, last: 1 })).length).toBe(5001);
    expect(compare({ last: 1 })).toEqual({ last: 1 });
  });

  it('is absent with a reason when any byte is damaged or missing', () => {
    store({ a: 1, b: { c: 2 } });
    const whole = fs.readFileSync(file);
    for (let i = 0; i < whole.length; i++) {
      const damaged = Buffer.from(whole);
      damaged.writeUInt8(damaged.readUInt8(i) ^ 0x10, i);
      fs.writeFileSync(file, damaged);
      expect(openChangeCache(file), `byte ${i} flipped`).toMatchObject({ status: 'absent' });
      fs.writeFileSync(file, whole.subarray(0, i));
      expect(openChangeCache(file), `cut at ${i}`).toMatchObject({ status: 'absent' });
    }
  });

  it('knows nothing more from where its disk fails after it was opened', () => {
    store(Object.fromEntries(Array.from({ length: 4_000 }, (_, index) => [String(index).padStart(6, '0'), index + 1])));
    const opened = openChangeCache(file);
    if (opened.status !== 'valid') throw new Error(opened.reason);
    fs.truncateSync(file, 100_000);
    opened.cursor.enterDirectory(bytes(''));
    expect(opened.cursor.find(bytes('000000'))?.stamp.size).toBe(1);
    expect(opened.cursor.find(bytes('003999'))).toBeUndefined();
    expect(opened.cursor.find(bytes('004000'))).toBeUndefined();
    opened.cursor.leaveDirectory();
    opened.cursor.close();
  });

  it('is absent when there is none, and says so', () => {
    expect(openChangeCache(file)).toEqual({ status: 'absent', reason: 'there is no change cache' });
  });

  it('stays as it was until a new one is committed', () => {
    store({ a: 1 });
    const writer = new ChangeCacheWriter(file, bytes('h'));
    writer.add(enter(''));
    expect(compare({ a: 1 })).toEqual({ a: 1 });
    writer.discard();
    expect(compare({ a: 1 })).toEqual({ a: 1 });
    expect(fs.readdirSync(dir)).toEqual(['item.changes']);
    // As a crash leaves it.
    fs.writeFileSync(`${file}.new`, 'half');
    store({ a: 2 });
    expect(compare({ a: 1 })).toEqual({ a: 2 });
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  });

  it('calls a file unchanged only if size, times and inode agree and the stamp was settled', () => {
    const stamp = stampFor(7);
    const cached = fileOf('f', 7);
    expect(isUnchanged(cached, { ...stamp, settled: false })).toBe(true);
    expect(isUnchanged(cached, { ...stamp, size: 8 })).toBe(false);
    expect(isUnchanged(cached, { ...stamp, mtimeNs: 1n })).toBe(false);
    expect(isUnchanged(cached, { ...stamp, ctimeNs: 9n })).toBe(false);
    expect(isUnchanged(cached, { ...stamp, ino: 1n })).toBe(false);
    expect(isUnchanged(cached, { ...stamp, mode: 0o600 })).toBe(false);
    expect(isUnchanged(cached, { ...stamp, uid: 1 })).toBe(false);
    expect(isUnchanged(cached, { ...stamp, gid: 1 })).toBe(false);
    expect(isUnchanged({ ...cached, stamp: { ...stamp, settled: false } }, stamp)).toBe(false);
  });

  it('trusts no time that it cannot hold', () => {
    const stamp = { ...stampFor(1), mtimeNs: 2n ** 64n + 5n };
    const writer = new ChangeCacheWriter(file, bytes('h'));
    writer.add({ ...fileOf('f', 1), stamp });
    writer.commit();
    const opened = openChangeCache(file);
    if (opened.status !== 'valid') throw new Error(opened.reason);
    expect(opened.cursor.find(bytes('f'))?.stamp.settled).toBe(false);
    opened.cursor.close();
  });
});

function common(before: Tree, after: Tree, prefix: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [name, now] of Object.entries(after)) {
    const then = before[name];
    if (typeof now === 'number' && typeof then === 'number') found[prefix + name] = then;
    else if (typeof now === 'object' && typeof then === 'object')
      Object.assign(found, common(then, now, `${prefix}${name}/`));
  }
  return found;
}
