import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { statAt } from '../../platform/file-status.js';
import { makeSpecialAt } from '../../platform/names.js';
import { openAt } from '../../platform/open-file.js';
import { AT_FDCWD } from '../../platform/posix.js';
import { type FileContent, fileRefOf, openFileContent } from './file-content.js';
import type { ScannedEntry } from './file-entry.js';
import { blocksOf } from './restore.fixture.js';
import { stampOf } from './scan-entry.js';

describe.skipIf(process.platform !== 'linux')('file content', () => {
  let dir: string;
  let fd: number;
  const open: FileContent[] = [];
  const at = (name: string) => path.join(dir, name);

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-content-'));
    fd = openAt(AT_FDCWD, Buffer.from(dir), fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  });
  afterEach(() => {
    for (const content of open.splice(0)) content.close();
    fs.closeSync(fd);
    fs.rmSync(dir, { recursive: true });
  });

  const scan = (name: string): ScannedEntry => {
    const { mode, uid, gid, mtimeNs, size, ...status } = statAt(fd, Buffer.from(name));
    const stamp = stampOf({ ...status, mode, uid, gid, mtimeNs, size }, Date.now());
    const parent = { path: Buffer.from(dir), fd };
    return { name: Buffer.from(name), type: 'file', mode, uid, gid, mtimeNs, size, xattrs: [], stamp, parent };
  };
  const openContent = (entry: ScannedEntry) => {
    const content = openFileContent(fileRefOf(entry), Date.now);
    open.push(content);
    return content;
  };
  const collect = (content: FileContent, blockBytes: number) =>
    Array.from(blocksOf(content, blockBytes), ({ offset, data }): [number, string] => [offset, data.toString()]);
  const readWhole = (content: FileContent) => {
    const data = Buffer.alloc(content.size);
    return data.subarray(0, content.read(data, 0));
  };

  it('reads a file whole or in blocks', async () => {
    fs.writeFileSync(at('f'), 'hello world');
    const content = openContent(scan('f'));
    expect(content.hasHoles).toBe(false);
    expect(readWhole(content).toString()).toBe('hello world');
    expect(collect(content, 4)).toEqual([
      [0, 'hell'],
      [4, 'o wo'],
      [8, 'rld'],
    ]);
    expect(content.outcome()).toEqual({ changed: false });
  });

  it('leaves the access time alone', () => {
    fs.writeFileSync(at('f'), 'hello');
    fs.utimesSync(at('f'), 1, 2);
    readWhole(openContent(scan('f')));
    expect(fs.statSync(at('f')).atimeMs).toBe(1000);
  });

  it('reads only the data of a sparse file', async () => {
    const mib = 1 << 20;
    fs.writeFileSync(at('s'), '');
    fs.truncateSync(at('s'), 6 * 2 ** 30);
    const file = fs.openSync(at('s'), 'r+');
    fs.writeSync(file, Buffer.alloc(mib, 'a'), 0, mib, 5 * 2 ** 30);
    fs.closeSync(file);
    const content = openContent(scan('s'));
    expect(content.hasHoles).toBe(true);
    expect(content.extents).toEqual([{ offset: 5 * 2 ** 30, length: mib }]);
    const blocks = collect(content, mib / 2);
    expect(blocks.map(([offset, data]) => [offset, data.length])).toEqual([
      [5 * 2 ** 30, mib / 2],
      [5 * 2 ** 30 + mib / 2, mib / 2],
    ]);
  });

  it('notices a change while reading', async () => {
    fs.writeFileSync(at('f'), 'hello world');
    const content = openContent(scan('f'));
    readWhole(content);
    await new Promise((resolve) => setTimeout(resolve, 30));
    fs.appendFileSync(at('f'), '!');
    expect(content.outcome()).toEqual({ changed: true });
  });

  it('ends early when the file shrinks', async () => {
    fs.writeFileSync(at('f'), 'hello world');
    const content = openContent(scan('f'));
    fs.truncateSync(at('f'), 6);
    expect(readWhole(content).toString()).toBe('hello ');
    expect(collect(content, 4)).toEqual([
      [0, 'hell'],
      [4, 'o '],
    ]);
    expect(content.outcome()).toEqual({ changed: true });
  });

  it('gives the metadata of what it opened when the file was exchanged after the walk saw it', () => {
    fs.writeFileSync(at('f'), 'old');
    const entry = scan('f');
    fs.writeFileSync(at('g'), 'newer', { mode: 0o600 });
    fs.renameSync(at('g'), at('f'));
    const content = openContent(entry);
    expect(content.fresh).toMatchObject({ size: 5, mode: 0o600 });
    expect(content.fresh?.stamp.ino).not.toBe(entry.stamp.ino);
  });

  it('does not follow a link nor block on a FIFO that took the name', () => {
    fs.writeFileSync(at('f'), 'x');
    const entry = scan('f');
    fs.rmSync(at('f'));
    expect(() => openFileContent(fileRefOf(entry), Date.now)).toThrow('ENOENT');
    fs.symlinkSync('/etc/passwd', at('f'));
    expect(() => openFileContent(fileRefOf(entry), Date.now)).toThrow('ELOOP');
    fs.rmSync(at('f'));
    makeSpecialAt(fd, Buffer.from('f'), 'fifo', 0o600);
    expect(() => openFileContent(fileRefOf(entry), Date.now)).toThrow('ENOENT');
  });

  it('trusts no stamp of a file changed just now', () => {
    fs.writeFileSync(at('f'), 'x');
    expect(scan('f').stamp.settled).toBe(false);
    const status = statAt(fd, Buffer.from('f'));
    expect(stampOf(status, Date.now() + 1000).settled).toBe(true);
    // A file system with whole seconds only.
    const coarse = { ...status, ctimeNs: (status.ctimeNs / 1_000_000_000n) * 1_000_000_000n };
    const ctimeMs = Number(coarse.ctimeNs / 1_000_000n);
    expect(stampOf(coarse, ctimeMs + 1500).settled).toBe(false);
    expect(stampOf(coarse, ctimeMs + 2500).settled).toBe(true);
  });
});
