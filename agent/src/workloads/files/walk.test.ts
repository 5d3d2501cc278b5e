import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { MAX_TREE_DEPTH } from '@holdfast/core/engine';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { statAt } from '../../platform/file-status.js';
import { makeSpecialAt } from '../../platform/names.js';
import { AT_FDCWD } from '../../platform/posix.js';
import { runsAsRoot, runUnprivileged } from '../../platform/unprivileged.fixture.js';
import { setXattr } from '../../platform/xattrs.js';
import type { Notice } from '../notice.js';
import { fileRefOf, openFileContent } from './file-content.js';
import { entryPath, type ScannedEntry } from './file-entry.js';
import type { FolderIdentity } from './folder-set.js';
import { type FilesDatasource, InvalidRootError } from './root-tree.js';
import { walkFiles } from './walk.js';

let dir: string;
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-walk-'));
  fs.chmodSync(dir, 0o755);
});
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

const bytes = (text: string) => Buffer.from(text, 'latin1');
const at = (...names: string[]) => path.join(dir, ...names);
const write = (name: string, content: string | Buffer = '') => {
  fs.mkdirSync(path.dirname(at(name)), { recursive: true });
  fs.writeFileSync(at(name), content);
};

interface Walked {
  /** Paths below the test's directory in the order met; directories with a closing slash. */
  paths: string[];
  entries: Map<string, ScannedEntry>;
  notices: Notice[];
}

async function walk(
  datasource: Partial<FilesDatasource> = {},
  never: string[] = [],
  visit?: (entry: ScannedEntry) => void,
  neverFolders: FolderIdentity[] = [],
): Promise<Walked> {
  const result: Walked = { paths: [], entries: new Map(), notices: [] };
  const depth: string[] = [];
  const full = { roots: [Buffer.from(dir)], include: [], exclude: [], oneFileSystem: false, ...datasource };
  const options = { never: never.map((name) => Buffer.from(name)), neverFolders, now: Date.now };
  for await (const { events, done } of walkFiles(full, options)) {
    for (const event of events) {
      if (event.kind === 'notice') result.notices.push(event.notice);
      else if (event.kind === 'leaveDirectory') expect(event.path.toString('latin1')).toBe(depth.pop());
      else if (event.kind === 'enterDirectory' || event.kind === 'entry') {
        const full = entryPath(event.entry).toString('latin1');
        if (event.kind === 'enterDirectory') {
          expect(event.path.toString('latin1')).toBe(full);
          depth.push(full);
        } else visit?.(event.entry);
        const name = full === dir ? '' : full.startsWith(`${dir}/`) ? full.slice(dir.length + 1) : full;
        result.paths.push(event.kind === 'enterDirectory' ? `${name}/` : name);
        result.entries.set(name, event.entry);
      }
    }
    done();
  }
  expect(depth).toEqual([]);
  return result;
}

/** Paths below the test's directory alone, without what leads there. */
const below = (walked: Walked) => walked.paths.filter((name) => !name.startsWith('/'));
const globs = (...patterns: string[]) => patterns.map((pattern) => Buffer.from(pattern));

describe.skipIf(process.platform !== 'linux')('the walk', () => {
  it('goes depth first in the order of raw name bytes', async () => {
    write('b/2');
    write('b/1');
    write('a');
    write('B');
    write('b.x');
    fs.writeFileSync(Buffer.concat([Buffer.from(`${dir}/`), bytes('\xff')]), '');
    fs.writeFileSync(at('\u00e9'), '');
    expect(below(await walk())).toEqual(['B', 'a', 'b/', 'b/1', 'b/2', 'b.x', '\xc3\xa9', '\xff']);
  });

  it('announces the root and what leads to it from the virtual root on', async () => {
    write('a');
    const walked = await walk();
    const leading = dir.split('/').slice(1, -1);
    expect(walked.paths).toEqual(['//', ...leading.map((_, i) => `/${leading.slice(0, i + 1).join('/')}/`), '/', 'a']);
    expect(walked.entries.get('/')).toMatchObject({ leadsToRoot: true, mode: 0o755, mtimeNs: 0n });
    expect(walked.entries.get('')).toMatchObject({ type: 'directory', mode: 0o755 });
    expect(walked.entries.get('')?.leadsToRoot).toBeUndefined();
  });

  it('describes every type of entry', async () => {
    write('file', 'content');
    fs.chmodSync(at('file'), 0o4640);
    fs.utimesSync(at('file'), 5, 5);
    setXattr({ dirFd: AT_FDCWD, name: Buffer.from(at('file')) }, bytes('user.b'), bytes('\xff'));
    setXattr({ dirFd: AT_FDCWD, name: Buffer.from(at('file')) }, bytes('user.a'), bytes(''));
    fs.symlinkSync(bytes('t\xff'), at('link'));
    makeSpecialAt(AT_FDCWD, Buffer.from(at('fifo')), 'fifo', 0o600);
    const server = net.createServer().listen(at('socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    const { entries, notices } = await walk();
    server.close();
    expect(entries.get('file')).toMatchObject({
      type: 'file',
      mode: 0o4640,
      size: 7,
      mtimeNs: 5_000_000_000n,
      xattrs: [
        { name: bytes('user.a'), value: bytes('') },
        { name: bytes('user.b'), value: bytes('\xff') },
      ],
    });
    expect(entries.get('link')).toMatchObject({ type: 'symlink', linkTarget: bytes('t\xff'), size: 0 });
    expect(entries.get('fifo')).toMatchObject({ type: 'fifo' });
    expect(entries.get('socket')).toMatchObject({ type: 'socket' });
    expect(notices).toEqual([]);
  });

  it.skipIf(!runsAsRoot)('describes devices and owners', async () => {
    makeSpecialAt(AT_FDCWD, Buffer.from(at('c')), 'characterDevice', 0o600, { major: 5, minor: 300 });
    fs.lchownSync(at('c'), 70_000, 4_000_000_000);
    const { entries } = await walk();
    expect(entries.get('c')).toMatchObject({
      type: 'characterDevice',
      device: { major: 5, minor: 300 },
      uid: 70_000,
      gid: 4_000_000_000,
    });
  });

  it('names hard-link groups by their first member, also across directories', async () => {
    write('b/first', 'x');
    fs.linkSync(at('b/first'), at('c'));
    fs.linkSync(at('b/first'), at('z'));
    write('single', 'x');
    fs.mkdirSync(at('out'));
    fs.linkSync(at('single'), at('out/other'));
    const { entries } = await walk({ exclude: globs('out') });
    for (const name of ['b/first', 'c', 'z']) {
      expect(entries.get(name)?.hardLinkGroup?.toString()).toBe(at('b/first'));
    }
    expect(entries.get('single')?.hardLinkGroup?.toString()).toBe(at('single'));
    expect(entries.get('b')?.hardLinkGroup).toBeUndefined();
  });

  it('leaves out what is excluded, with all below', async () => {
    write('keep/a.txt');
    write('keep/a.tmp');
    write('cache/x/y');
    write('keep/cache');
    expect(below(await walk({ exclude: globs('*.tmp', 'cache/') }))).toEqual(['keep/', 'keep/a.txt', 'keep/cache']);
    expect(below(await walk({ exclude: globs(at('keep')) }))).toEqual(['cache/', 'cache/x/', 'cache/x/y']);
  });

  it('takes only what is included and what leads there, and lets exclusion win', async () => {
    write('a/b/one.txt');
    write('a/b/two.bin');
    write('a/empty/none.bin');
    write('whole/deep/x.bin');
    write('whole/deep/x.txt');
    const walked = await walk({ include: globs('*.txt', 'whole'), exclude: globs('deep/*.txt') });
    expect(below(walked)).toEqual(['a/', 'a/b/', 'a/b/one.txt', 'whole/', 'whole/deep/', 'whole/deep/x.bin']);
  });

  it('takes several roots once, in the same order however they are given', async () => {
    write('a/x');
    write('b/y');
    write('f');
    write('not');
    const roots = ['b/', 'a', 'f', 'a/./x', 'b'].map((name) => Buffer.from(`${dir}/${name}`));
    const first = await walk({ roots });
    expect(below(first)).toEqual(['a/', 'a/x', 'b/', 'b/y', 'f']);
    expect((await walk({ roots: roots.reverse() })).paths).toEqual(first.paths);
  });

  it('takes a root that a rule excludes, and roots below what is left out', async () => {
    write('skip/deep/root/x.txt');
    write('skip/deep/other');
    write('y');
    const walked = await walk({
      roots: [Buffer.from(dir), Buffer.from(at('skip/deep/root'))],
      exclude: globs('skip', 'root'),
    });
    expect(below(walked)).toEqual(['skip/', 'skip/deep/', 'skip/deep/root/', 'skip/deep/root/x.txt', 'y']);
    expect(walked.entries.get('skip')).toMatchObject({ leadsToRoot: true });
  });

  it('never takes given directories, by whatever name they are reached, unless they are roots', async () => {
    write('state/secret');
    write('data/x');
    fs.symlinkSync('state', at('alias'));
    expect(below(await walk({}, [at('alias')]))).toEqual(['alias', 'data/', 'data/x']);
    const named = await walk({ roots: [Buffer.from(at('state'))] }, [at('state')]);
    expect(below(named)).toEqual(['state/', 'state/secret']);
  });

  it('never takes folders of a given device and inode, unless they are roots', async () => {
    write('server/catalog');
    write('data/x');
    const { dev: device, ino: inode } = statAt(AT_FDCWD, Buffer.from(at('server')));
    const folder = { deviceMajor: Math.floor(device / 2 ** 20), deviceMinor: device % 2 ** 20, inode };
    expect(below(await walk({}, [], undefined, [folder]))).toEqual(['data/', 'data/x']);
    const named = await walk({ roots: [Buffer.from(at('server'))] }, [], undefined, [folder]);
    expect(below(named)).toEqual(['server/', 'server/catalog']);
    const other = { ...folder, deviceMinor: folder.deviceMinor + 1 };
    expect(below(await walk({}, [], undefined, [other]))).toContain('server/catalog');
  });

  it('never takes /proc, /sys and /run below a root', async () => {
    const top: string[] = [];
    const datasource = { roots: [Buffer.from('/')], include: [], exclude: globs('/*/*'), oneFileSystem: true };
    for await (const { events, done } of walkFiles(datasource, { never: [], now: Date.now })) {
      for (const event of events) if (event.kind === 'enterDirectory') top.push(event.path.toString());
      done();
    }
    expect(top).toContain('/etc');
    for (const name of ['/proc', '/sys', '/run']) expect(top).not.toContain(name);
    const named = await walk({ roots: [Buffer.from('/proc/sys/kernel/ostype')] });
    expect(named.paths).toEqual(['//', '/proc/', '/proc/sys/', '/proc/sys/kernel/', '/proc/sys/kernel/ostype']);
  });

  it('tells of roots that are not there or are links, and goes on', async () => {
    write('a');
    fs.symlinkSync('a', at('link'));
    const roots = ['gone', 'gone/too', 'a', 'a/below', 'link'].map((name) => Buffer.from(at(name)));
    const walked = await walk({ roots });
    expect(below(walked)).toEqual(['a', 'link']);
    const told = walked.notices.map(({ kind, path: where }) => `${kind} ${where.toString().slice(dir.length + 1)}`);
    expect(told.sort()).toEqual(['unreadable link', 'vanished a/below', 'vanished gone'].sort());
    await expect(walk({ roots: [] })).rejects.toThrow(InvalidRootError);
    await expect(walk({ roots: [Buffer.from('relative')] })).rejects.toThrow(InvalidRootError);
    await expect(walk({ roots: [Buffer.from('/a/../b')] })).rejects.toThrow(InvalidRootError);
  });

  it.skipIf(!runsAsRoot)('stays on one file system if asked to, and keeps the mount point', async ({ skip }) => {
    write('mnt/under');
    const mounted = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', at('mnt')]);
    skip(mounted.status !== 0, 'this root may not mount');
    try {
      write('mnt/over');
      expect(below(await walk({ oneFileSystem: true }))).toEqual(['mnt/']);
      expect(below(await walk())).toEqual(['mnt/', 'mnt/over']);
      expect(below(await walk({ oneFileSystem: true, roots: [Buffer.from(at('mnt'))] }))).toEqual(['mnt/', 'mnt/over']);
    } finally {
      execFileSync('umount', [at('mnt')]);
    }
  });

  it.skipIf(!runsAsRoot)('goes on past what its user may not read', async () => {
    write('closed/x');
    write('open/a', 'readable');
    write('open/b', 'secret');
    fs.chmodSync(at('closed'), 0o700);
    fs.chmodSync(at('open/b'), 0o600);
    const codes: string[] = [];
    const walked = await runUnprivileged(() =>
      walk({}, [], (entry) => {
        try {
          openFileContent(fileRefOf(entry), Date.now).close();
        } catch (error) {
          codes.push(`${entry.name.toString()} ${(error as { code: string }).code}`);
        }
      }),
    );
    expect(below(walked)).toEqual(['closed/', 'open/', 'open/a', 'open/b']);
    expect(walked.notices).toMatchObject([{ kind: 'unreadable', path: Buffer.from(at('closed')) }]);
    expect(walked.entries.get('closed')).toMatchObject({ mode: 0o700 });
    expect(codes).toEqual(['b EACCES']);
  });

  it('walks deeper than a path can be written', async () => {
    const name = 'd'.repeat(200);
    const levels = 40;
    const script = `for (let i = 0; i < ${levels}; i++) { fs.mkdirSync('${name}'); process.chdir('${name}'); }`;
    execFileSync(process.execPath, ['-e', script], { cwd: dir });
    const walked = await walk();
    expect(below(walked).length).toBe(levels);
    expect(walked.notices).toEqual([]);
  });

  it('takes nothing that lies deeper than a restore would go, and says so', async () => {
    const script = `for (let i = 0; i < ${MAX_TREE_DEPTH + 5}; i++) { fs.mkdirSync('d'); process.chdir('d'); }`;
    execFileSync(process.execPath, ['-e', script], { cwd: dir });
    const walked = await walk();
    const leading = dir.split('/').length - 1;
    expect(below(walked).length).toBe(MAX_TREE_DEPTH - leading);
    expect(walked.notices.map(({ kind, path: where }) => [kind, where.length])).toEqual([
      ['unreadable', dir.length + 2 * (MAX_TREE_DEPTH - leading)],
    ]);
  });

  it('leaves no descriptor open, also when it is given up', async () => {
    write('f');
    for (let i = 0; i < 7; i++) fs.mkdirSync(at(`d${i}/e`), { recursive: true });
    for (let i = 0; i < 600; i++) fs.linkSync(at('f'), at(`d${i % 7}/e/f${i}`));
    const before = fs.readdirSync('/proc/self/fd').length;
    await walk();
    const datasource = { roots: [Buffer.from(dir)], include: [], exclude: [], oneFileSystem: false };
    for await (const _batch of walkFiles(datasource, { never: [], now: Date.now })) break;
    const controller = new AbortController();
    await expect(async () => {
      for await (const _batch of walkFiles(datasource, { never: [], now: Date.now, signal: controller.signal })) {
        controller.abort(new Error('stopped'));
      }
    }).rejects.toThrow('stopped');
    expect(fs.readdirSync('/proc/self/fd').length).toBe(before);
  });

  it('survives a tree that changes under it', async () => {
    write('f', 'x');
    for (let i = 0; i < 50; i++) fs.mkdirSync(at(`d${i}`));
    for (let i = 0; i < 1000; i++) fs.linkSync(at('f'), at(`d${i % 50}/f${i}`));
    let seen = 0;
    const walked = await walk({}, [], (entry) => {
      if (seen++ === 10) {
        for (let i = 20; i < 40; i++) fs.rmSync(at(`d${i}`), { recursive: true });
        fs.writeFileSync(at('d9/f-new'), '');
      }
      try {
        openFileContent(fileRefOf(entry), Date.now).close();
      } catch (error) {
        expect((error as { code: string }).code).toBe('ENOENT');
      }
    });
    expect(walked.paths.length).toBeGreaterThan(500);
  });

  it('finds exactly the tree that is there, whatever the names', async () => {
    const name = fc
      .uint8Array({ minLength: 1, maxLength: 12 })
      .map((raw) => Buffer.from(raw.map((byte) => (byte === 0 || byte === 0x2f ? 0x61 : byte))))
      .filter((raw) => !['.', '..'].includes(raw.toString('latin1')));
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(name, { minLength: 1, maxLength: 4 }), { maxLength: 20 }), async (paths) => {
        const root = Buffer.from(at(`run${run++}`));
        fs.mkdirSync(root);
        const expected = new Set<string>();
        for (const parts of paths) {
          const full = Buffer.concat(parts.flatMap((part) => [bytes('/'), part]));
          try {
            fs.mkdirSync(Buffer.concat([root, full]), { recursive: true });
          } catch {
            continue;
          }
          for (const i of parts.keys())
            expected.add(
              parts
                .slice(0, i + 1)
                .map((part) => part.toString('latin1'))
                .join('/'),
            );
        }
        const walked = await walk({ roots: [root] });
        const prefix = `${root.toString('latin1').slice(dir.length + 1)}/`;
        const found = below(walked).filter((found) => found.startsWith(prefix) && found !== prefix);
        expect(new Set(found.map((found) => found.slice(prefix.length, -1)))).toEqual(expected);
        expect(found.length).toBe(expected.size);
      }),
      { numRuns: 40 },
    );
  });
});
