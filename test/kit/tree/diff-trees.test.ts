import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeTree } from './describe-tree.js';
import { diffTrees } from './diff-trees.js';

let folder: string;
let original: string;
let copy: string;

function write(file: string, content: string): void {
  fs.writeFileSync(file, content);
  fs.utimesSync(file, 1000, 1000);
}

function buildTree(root: string): void {
  fs.mkdirSync(path.join(root, 'sub'), { recursive: true });
  write(path.join(root, 'plain'), 'plain');
  write(path.join(root, 'sub', 'linked'), 'linked');
  fs.linkSync(path.join(root, 'sub', 'linked'), path.join(root, 'sub', 'twin'));
  fs.symlinkSync('plain', path.join(root, 'arrow'));
  const sparse = fs.openSync(path.join(root, 'sparse'), 'w');
  fs.ftruncateSync(sparse, 1 << 20);
  fs.writeSync(sparse, 'middle', 512 * 1024);
  fs.closeSync(sparse);
}

function aspectsOf(): string[] {
  return diffTrees(describeTree(original), describeTree(copy), { privileged: true }).differences.map(
    (d) => `${d.path}: ${d.aspect}`,
  );
}

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-diff-'));
  original = path.join(folder, 'original');
  copy = path.join(folder, 'copy');
  buildTree(original);
  execFileSync('cp', ['-a', original, copy]);
});

afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

describe('diffTrees', () => {
  it('finds no difference in a faithful copy', () => {
    expect(aspectsOf()).toEqual([]);
  });

  it('sees a changed byte, mode, time, link target and missing or extra entry', () => {
    write(path.join(copy, 'plain'), 'plaim');
    fs.chmodSync(path.join(copy, 'sub', 'linked'), 0o600);
    fs.utimesSync(path.join(copy, 'sparse'), 5, 5);
    fs.rmSync(path.join(copy, 'arrow'));
    fs.symlinkSync('elsewhere', path.join(copy, 'arrow'));
    fs.lutimesSync(path.join(copy, 'arrow'), 7, 7);
    write(path.join(copy, 'sub', 'extra'), '');
    const found = aspectsOf();
    expect(found).toContain('plain: content');
    expect(found).toContain('sub/linked: mode');
    expect(found).toContain('sparse: mtime');
    expect(found).toContain('arrow: link target');
    expect(found).toContain('sub/extra: presence');
    fs.rmSync(path.join(copy, 'plain'));
    expect(aspectsOf()).toContain('plain: presence');
  });

  it('sees a broken hard link and a filled hole', () => {
    const twin = path.join(copy, 'sub', 'twin');
    fs.rmSync(twin);
    fs.copyFileSync(path.join(copy, 'sub', 'linked'), twin);
    const sparse = fs.openSync(path.join(copy, 'sparse'), 'r+');
    fs.writeSync(sparse, Buffer.alloc(65536), 0, 65536, 0);
    fs.closeSync(sparse);
    const found = aspectsOf();
    expect(found).toContain('sub/twin: hard links');
    expect(found).toContain('sparse: holes');
    expect(found).not.toContain('sparse: content');
  });

  it('counts what only root may set apart from differences', () => {
    const expected = new Map(
      [...describeTree(original)].map(([name, entry]) => [name, { ...entry, uid: entry.uid + 1 }]),
    );
    const comparison = diffTrees(expected, describeTree(copy), { privileged: false });
    expect(comparison.differences).toEqual([]);
    expect(comparison.notRestorable.length).toBe(expected.size);
  });
});
