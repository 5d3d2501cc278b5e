import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeTree } from '../../kit/tree/describe-tree.js';
import { buildTree } from './built-tree.js';
import { folderTotals } from './folder-totals.js';
import { rewriteOnePercent, writeRandomFile } from './random-file.js';
import { takeTree } from './taken-tree.js';

const { signal } = new AbortController();
let folder: string;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-datasets-'));
});

afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

const at = (...names: string[]): string => path.join(folder, ...names);

describe('the datasets of the benchmark', () => {
  it('are the same random bytes for the same seed, of exactly the wanted length', async () => {
    const bytes = (1 << 20) + 17;
    await writeRandomFile(at('a'), bytes, 'one', signal);
    await writeRandomFile(at('b'), bytes, 'one', signal);
    await writeRandomFile(at('c'), bytes, 'two', signal);
    expect(fs.readFileSync(at('a'))).toHaveLength(bytes);
    expect(fs.readFileSync(at('a')).equals(fs.readFileSync(at('b')))).toBe(true);
    expect(fs.readFileSync(at('a')).equals(fs.readFileSync(at('c')))).toBe(false);
  });

  it('change one per cent of an image in runs of 64 KiB, elsewhere in another round', async () => {
    const bytes = 16 << 20;
    await writeRandomFile(at('image'), bytes, 'image', signal);
    const before = fs.readFileSync(at('image'));
    expect(await rewriteOnePercent(at('image'), 'round 1')).toBe(3 * 65536);
    const once = fs.readFileSync(at('image'));
    expect(once).toHaveLength(bytes);
    const changedSectors = (a: Buffer, b: Buffer): number[] =>
      Array.from({ length: bytes / 512 }, (_, sector) => sector * 512).filter(
        (start) => a.compare(b, start, start + 512, start, start + 512) !== 0,
      );
    const first = changedSectors(before, once);
    // Two runs may overlap.
    expect(first.length).toBeGreaterThan(2 * 128);
    expect(first.length).toBeLessThanOrEqual(3 * 128);
    await rewriteOnePercent(at('image'), 'round 2');
    expect(changedSectors(once, fs.readFileSync(at('image')))).not.toEqual(first);
  });

  it('are copies of a tree in name order up to a limit, with times, modes and links', async () => {
    fs.mkdirSync(at('from', 'b'), { recursive: true });
    fs.writeFileSync(at('from', 'a'), 'aaaa', { mode: 0o640 });
    fs.writeFileSync(at('from', 'b', 'c'), 'cccc');
    fs.symlinkSync('../a', at('from', 'b', 'link'));
    fs.writeFileSync(at('from', 'd'), 'too much');
    fs.utimesSync(at('from', 'a'), 1_000_000_000, 1_000_000_000);
    expect(await takeTree(at('from'), at('to'), { bytes: 10, files: 9 }, signal)).toEqual({ files: 2, bytes: 8 });
    const tree = describeTree(at('to'));
    expect([...tree.keys()]).toEqual(['', 'a', 'b', 'b/c', 'b/link']);
    expect(tree.get('a')).toMatchObject({ mode: 0o640, mtimeNs: 1_000_000_000_000_000_000n });
    expect(await takeTree(at('from'), at('one'), { bytes: 99, files: 1 }, signal)).toEqual({ files: 1, bytes: 4 });
  });

  it('are built where a machine has too little, as many bytes as were asked for and the same again', async () => {
    const limit = { bytes: 4 << 20, files: 200 };
    const built = await buildTree(at('one'), limit, 'tree', signal);
    expect(built.files).toBeGreaterThan(limit.files / 2);
    expect(built.bytes).toBeGreaterThan(limit.bytes / 2);
    expect(built.bytes).toBeLessThanOrEqual(limit.bytes);
    expect(folderTotals(at('one'))).toMatchObject(built);
    await buildTree(at('two'), limit, 'tree', signal);
    const contents = (name: string) => [...describeTree(at(name)).values()].map(({ path, sha256 }) => [path, sha256]);
    expect(contents('two')).toEqual(contents('one'));
  });
});
