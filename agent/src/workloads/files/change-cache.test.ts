import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isUnchanged, openChangeCache } from './change-cache-reader.js';
import { ChangeCacheWriter } from './change-cache-writer.js';
import type { ChangeStamp } from './file-entry.js';

/** A directory: files by their size, or directories, by name (one character per byte). */
interface Tree {
  [name: string]: number | Tree;
}

const bytes = (text: string) => Buffer.from(text, 'latin1');
const stampFor = (size: number): ChangeStamp => ({
  size,
  mtimeNs: BigInt(size) * 1_000_000_007n - 5_000_000_000_000_000_000n,
  ctimeNs: BigInt(size) + 1n,
  ino: 2n ** 64n - 1n - BigInt(size),
  settled: true,
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
          writer.addFile({ name: bytes(name), stamp: stampFor(value), reference: bytes(`ref-${value}`) });
        } else if (value) {
          writer.enterDirectory(bytes(name));
          write(value);
          writer.leaveDirectory();
        }
      }
    };
    writer.enterDirectory(bytes(''));
    write(tree);
    writer.leaveDirectory();
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
    writer.enterDirectory(bytes(''));
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
    const cached = { name: bytes('f'), stamp, reference: bytes('r') };
    expect(isUnchanged(cached, { ...stamp, settled: false })).toBe(true);
    expect(isUnchanged(cached, { ...stamp, size: 8 })).toBe(false);
    expect(isUnchanged(cached, { ...stamp, mtimeNs: 1n })).toBe(false);
    expect(isUnchanged(cached, { ...stamp, ctimeNs: 9n })).toBe(false);
    expect(isUnchanged(cached, { ...stamp, ino: 1n })).toBe(false);
    expect(isUnchanged({ ...cached, stamp: { ...stamp, settled: false } }, stamp)).toBe(false);
  });

  it('trusts no time that it cannot hold', () => {
    const stamp = { ...stampFor(1), mtimeNs: 2n ** 64n + 5n };
    const writer = new ChangeCacheWriter(file, bytes('h'));
    writer.addFile({ name: bytes('f'), stamp, reference: bytes('r') });
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
