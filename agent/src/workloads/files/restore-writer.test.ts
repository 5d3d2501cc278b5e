import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { dataExtents } from '../../platform/file-extents.js';
import { linkAt, makeSpecialAt } from '../../platform/names.js';
import { setMtimeAt } from '../../platform/owner-mode-times.js';
import { AT_FDCWD, native } from '../../platform/posix.js';
import { runsAsRoot, runUnprivileged } from '../../platform/unprivileged.fixture.js';
import { getXattr, listXattrs, removeXattr, setXattr } from '../../platform/xattrs.js';
import type { Notice } from '../notice.js';
import { FolderSet } from './folder-set.js';
import { copyTree, LaterWriters, NO_FOLDERS, someEntry } from './restore.fixture.js';
import { alternativeName, type ConflictMode, ConflictProbe, RestoreConflictError } from './restore-conflict.js';
import { NO_JOURNAL } from './restore-journal.js';
import { RestoreWriter } from './restore-writer.js';

const bytes = (text: string) => Buffer.from(text, 'latin1');

const places = [
  { where: 'in one thread', writers: undefined },
  { where: 'with files made elsewhere', writers: new LaterWriters() },
];

describe.skipIf(process.platform !== 'linux').each(places)('the restore writer $where', ({ writers }) => {
  let dir: string;
  let source: string;
  let target: string;
  const from = (...names: string[]) => path.join(source, ...names);
  const to = (...names: string[]) => path.join(target, ...names);
  const raw = (name: string) => Buffer.from(name);
  const atPath = (name: string) => ({ dirFd: AT_FDCWD, name: raw(name) });
  const copy = (onConflict?: ConflictMode, select?: (path: Buffer) => boolean) =>
    copyTree(raw(source), raw(target), onConflict, select, writers);
  const status = (name: string | Buffer) => {
    const { mode, uid, gid, size, mtimeNs, nlink, ino } = fs.lstatSync(name, { bigint: true });
    return { mode, uid, gid, size, mtimeNs, nlink, ino };
  };

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-restore-'));
    fs.chmodSync(dir, 0o755);
    source = path.join(dir, 'source');
    target = path.join(dir, 'target');
    fs.mkdirSync(source);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    expect(execFileSync('find', [dir, '-name', '.holdfast-restore-*'], { encoding: 'utf8' })).toBe('');
    fs.rmSync(dir, { recursive: true, force: true });
  });

  it('restores files, directories, links and FIFOs with their metadata', async () => {
    fs.mkdirSync(from('d/e'), { recursive: true });
    fs.writeFileSync(from('d/e/f'), 'content');
    fs.writeFileSync(from('empty'), '');
    fs.writeFileSync(from('big'), Buffer.alloc(3_000_000, 'x'));
    fs.symlinkSync(bytes('../\xff'), from('l'));
    makeSpecialAt(AT_FDCWD, raw(from('fifo')), 'fifo', 0o600);
    makeSpecialAt(AT_FDCWD, raw(from('socket')), 'socket', 0o600);
    fs.writeFileSync(Buffer.concat([raw(`${source}/`), bytes('\xff\n')]), 'raw');
    setXattr(atPath(from('d')), bytes('user.dir'), bytes('v'));
    setXattr(atPath(from('d/e/f')), bytes('user.file'), bytes('\0\xff'));
    fs.chmodSync(from('d/e/f'), 0o4751);
    fs.chmodSync(from('fifo'), 0o622);
    fs.chmodSync(from('d'), 0o1757);
    const times = {
      'd/e/f': -1n,
      l: -2_100_000_000_123_456_789n,
      fifo: 5n,
      socket: 6n,
      empty: 7_258_118_400_999_999_999n,
    };
    for (const [name, time] of Object.entries(times)) setMtimeAt(AT_FDCWD, raw(from(name)), time);
    for (const [name, time] of Object.entries({ 'd/e': 1n, d: 2n })) setMtimeAt(AT_FDCWD, raw(from(name)), time);
    setMtimeAt(AT_FDCWD, raw(source), 3n);

    const elsewhere = writers?.files ?? 0;
    const { notices, counts } = await copy();

    // Those with content at hand; the large one is written as it comes.
    if (writers) expect(writers.files - elsewhere).toBe(3);
    expect(notices).toEqual([]);
    expect(counts).toEqual({ restored: 9, skipped: 0, failed: 0, notRestorable: 0 });
    const names = ['.', 'd', 'd/e', 'd/e/f', 'empty', 'big', 'l', 'fifo', 'socket'].map(raw).concat(bytes('\xff\n'));
    for (const name of names) {
      const [a, b] = [source, target].map((base) => status(Buffer.concat([raw(`${base}/`), name])));
      expect({ ...b, ino: 0n }, name.toString('latin1')).toEqual({ ...a, ino: 0n });
    }
    expect(fs.readFileSync(to('d/e/f'), 'utf8')).toBe('content');
    expect(fs.readFileSync(to('big'))).toEqual(Buffer.alloc(3_000_000, 'x'));
    expect(fs.readFileSync(Buffer.concat([raw(`${target}/`), bytes('\xff\n')]), 'utf8')).toBe('raw');
    expect(fs.readlinkSync(to('l'), 'buffer')).toEqual(bytes('../\xff'));
    expect(getXattr(atPath(to('d')), bytes('user.dir'))).toEqual(bytes('v'));
    expect(getXattr(atPath(to('d/e/f')), bytes('user.file'))).toEqual(bytes('\0\xff'));
  });

  it('keeps holes as holes', async () => {
    const mib = 1 << 20;
    const size = 5 * 2 ** 30;
    const fd = fs.openSync(from('sparse'), 'w');
    fs.ftruncateSync(fd, size);
    fs.writeSync(fd, Buffer.alloc(mib, 1), 0, mib, 3 * mib);
    fs.writeSync(fd, Buffer.alloc(4096, 2), 0, 4096, size - 4096);
    fs.fsyncSync(fd);
    const extents = dataExtents(fd, 0, size);
    fs.closeSync(fd);
    fs.writeFileSync(from('hole'), '');
    fs.truncateSync(from('hole'), 100_000);
    await copy();
    const restored = fs.openSync(to('sparse'), 'r');
    expect(dataExtents(restored, 0, size)).toEqual(extents);
    const tail = Buffer.alloc(4096);
    fs.readSync(restored, tail, 0, 4096, size - 4096);
    fs.closeSync(restored);
    expect(tail).toEqual(Buffer.alloc(4096, 2));
    expect(fs.statSync(to('sparse'))).toMatchObject({ size });
    expect(fs.statSync(to('hole'))).toMatchObject({ size: 100_000, blocks: 0 });
  });

  it('restores hard-link groups, across directories and of links and FIFOs too', async () => {
    fs.mkdirSync(from('a'));
    fs.mkdirSync(from('b'));
    fs.writeFileSync(from('a/1'), 'linked');
    fs.linkSync(from('a/1'), from('b/2'));
    fs.linkSync(from('a/1'), from('b/3'));
    fs.symlinkSync('x', from('l1'));
    linkAt(AT_FDCWD, raw(from('l1')), AT_FDCWD, raw(from('l2')));
    makeSpecialAt(AT_FDCWD, raw(from('p1')), 'fifo', 0o600);
    fs.linkSync(from('p1'), from('p2'));
    const { notices } = await copy();
    expect(notices).toEqual([]);
    for (const group of [
      ['a/1', 'b/2', 'b/3'],
      ['l1', 'l2'],
      ['p1', 'p2'],
    ]) {
      const inodes = group.map((name) => status(to(name)));
      expect(new Set(inodes.map(({ ino }) => ino)).size).toBe(1);
      expect(inodes[0]?.nlink).toBe(BigInt(group.length));
    }
    expect(fs.readFileSync(to('b/3'), 'utf8')).toBe('linked');
  });

  it('makes another member the first when the first is not selected', async () => {
    fs.writeFileSync(from('a'), 'linked');
    for (const name of ['b', 'c']) fs.linkSync(from('a'), from(name));
    await copy('FAIL', (name) => !name.toString().endsWith('/a'));
    expect(fs.readdirSync(target)).toEqual(['b', 'c']);
    expect(fs.readFileSync(to('c'), 'utf8')).toBe('linked');
    expect(status(to('b')).ino).toBe(status(to('c')).ino);
  });

  describe('when something is in the way', () => {
    beforeEach(() => {
      fs.mkdirSync(from('dir'));
      fs.writeFileSync(from('dir/new.txt'), 'new');
      fs.writeFileSync(from('file.txt'), 'restored');
      fs.writeFileSync(from('other'), 'other');
      fs.mkdirSync(to('dir'), { recursive: true });
      fs.writeFileSync(to('dir/extra'), 'extra');
      fs.writeFileSync(to('file.txt'), 'existing');
      fs.chmodSync(to('dir'), 0o711);
      fs.chmodSync(to(), 0o701);
    });

    it('FAIL ends the restore and leaves what is there', async () => {
      await expect(copy('FAIL')).rejects.toThrow(RestoreConflictError);
      expect(fs.readFileSync(to('file.txt'), 'utf8')).toBe('existing');
    });

    it('SKIP leaves what is there and restores the rest', async () => {
      const { notices, counts } = await copy('SKIP');
      expect(notices).toEqual([]);
      expect(counts).toMatchObject({ skipped: 2, failed: 0, restored: 2 });
      expect(fs.readFileSync(to('file.txt'), 'utf8')).toBe('existing');
      expect(fs.readdirSync(to('dir'))).toEqual(['extra', 'new.txt']);
      expect(fs.statSync(to('dir')).mode & 0o777).toBe(0o711);
      expect(fs.statSync(to()).mode & 0o777).toBe(0o701);
    });

    it('OVERWRITE replaces what is there and deletes nothing else', async () => {
      const { notices, counts } = await copy('OVERWRITE');
      expect(notices).toEqual([]);
      expect(counts).toMatchObject({ restored: 4 });
      expect(fs.readFileSync(to('file.txt'), 'utf8')).toBe('restored');
      expect(fs.readdirSync(to('dir'))).toEqual(['extra', 'new.txt']);
      expect(status(to('dir'))).toMatchObject({ mode: status(from('dir')).mode, mtimeNs: status(from('dir')).mtimeNs });
      expect(fs.statSync(to()).mode).toBe(fs.statSync(source).mode);
    });

    it('OVERWRITE can be run again', async () => {
      fs.linkSync(from('other'), from('z'));
      await copy('OVERWRITE');
      const { notices } = await copy('OVERWRITE');
      expect(notices).toEqual([]);
      expect(fs.readdirSync(target)).toEqual(['dir', 'file.txt', 'other', 'z']);
      expect(status(to('other')).nlink).toBe(2n);
    });

    it('KEEP_BOTH gives what is restored a free name', async () => {
      fs.writeFileSync(to('file (restored).txt'), 'older');
      const { notices, counts } = await copy('KEEP_BOTH');
      expect(notices).toEqual([]);
      // The folder was there already, as it is under SKIP.
      expect(counts).toMatchObject({ skipped: 1, failed: 0, restored: 3 });
      expect(fs.readFileSync(to('file.txt'), 'utf8')).toBe('existing');
      expect(fs.readFileSync(to('file (restored).txt'), 'utf8')).toBe('older');
      expect(fs.readFileSync(to('file (restored 2).txt'), 'utf8')).toBe('restored');
      expect(fs.readdirSync(to('dir'))).toEqual(['extra', 'new.txt']);
    });

    it('treats a file where a directory shall be by the mode', async () => {
      fs.rmSync(to('dir'), { recursive: true });
      fs.writeFileSync(to('dir'), 'a file');
      const { notices, counts } = await copy('SKIP');
      expect(counts.skipped).toBe(2);
      expect(notices).toEqual([
        {
          kind: 'skipped',
          path: raw(to('dir')),
          message: 'something else has the name of this folder: nothing in it was restored',
        },
      ]);
      expect(fs.readFileSync(to('dir'), 'utf8')).toBe('a file');
      await copy('KEEP_BOTH');
      expect(fs.readFileSync(to('dir (restored)/new.txt'), 'utf8')).toBe('new');
      await copy('OVERWRITE');
      expect(fs.readFileSync(to('dir/new.txt'), 'utf8')).toBe('new');
    });

    it('replaces an empty directory by a file, and no other', async () => {
      fs.rmSync(to('file.txt'));
      fs.mkdirSync(to('file.txt'));
      expect((await copy('OVERWRITE')).notices).toEqual([]);
      expect(fs.readFileSync(to('file.txt'), 'utf8')).toBe('restored');
      fs.rmSync(to('other'));
      fs.mkdirSync(to('other/precious'), { recursive: true });
      const { notices, counts } = await copy('OVERWRITE');
      expect(notices).toEqual([
        {
          kind: 'skipped',
          path: raw(to('other')),
          message: 'a folder that is not empty has this name: it stays, and this was not restored',
        },
      ]);
      expect(counts).toMatchObject({ failed: 0, skipped: 1, restored: 3 });
      expect(fs.readdirSync(to('other'))).toEqual(['precious']);
    });

    it('leaves a directory that gets something in it just before it would give way to a file', async () => {
      fs.rmSync(to('file.txt'));
      fs.mkdirSync(to('file.txt'));
      const { unlinkat } = native();
      vi.spyOn(native(), 'unlinkat').mockImplementation((dirFd, name, flags) => {
        if (flags !== 0) fs.writeFileSync(to('file.txt/precious'), '');
        return unlinkat(dirFd, name, flags);
      });
      const { notices, counts } = await copy('OVERWRITE');
      vi.restoreAllMocks();
      expect(notices).toMatchObject([{ kind: 'skipped', path: raw(to('file.txt')) }]);
      expect(counts).toMatchObject({ failed: 0, skipped: 1 });
      expect(fs.readdirSync(target)).toEqual(['dir', 'file.txt', 'other']);
    });

    it('is found by a probe before anything is written', () => {
      const probe = ConflictProbe.open(raw(target), () => NO_JOURNAL);
      const below = probe?.directory(someEntry({ name: bytes('dir'), type: 'directory' }));
      expect(() => below?.check(someEntry({ name: bytes('new.txt') }))).not.toThrow();
      expect(() => below?.check(someEntry({ name: bytes('extra') }))).toThrow(RestoreConflictError);
      expect(probe?.directory(someEntry({ name: bytes('absent'), type: 'directory' }))).toBeUndefined();
      expect(() => probe?.directory(someEntry({ name: bytes('file.txt'), type: 'directory' }))).toThrow(to('file.txt'));
      below?.close();
      probe?.close();
      expect(ConflictProbe.open(raw(to('nowhere')), () => NO_JOURNAL)).toBeUndefined();
    });
  });

  it('names an entry otherwise without making the name too long', () => {
    const name = (text: string, n: number) => alternativeName(bytes(text), n).toString('latin1');
    expect(name('a.txt', 1)).toBe('a (restored).txt');
    expect(name('a.txt', 3)).toBe('a (restored 3).txt');
    expect(name('.profile', 1)).toBe('.profile (restored)');
    expect(name('archive.tar.gz', 1)).toBe('archive.tar (restored).gz');
    expect(name(`${'x'.repeat(251)}.txt`, 1)).toBe(`${'x'.repeat(240)} (restored).txt`);
    expect(name('x'.repeat(255), 12).length).toBe(255);
  });

  it('leaves a file absent whose content fails, in the middle too, and passes the failure on', async () => {
    const writer = RestoreWriter.open({
      never: NO_FOLDERS,
      target: raw(target),
      onConflict: 'OVERWRITE',
      onNotice: () => undefined,
    });
    fs.writeFileSync(to('kept'), 'old');
    const damaged = new Error('damaged');
    const half = async function* () {
      yield { offset: 0, data: Buffer.alloc(100_000, 1) };
      throw damaged;
    };
    const entry = (name: string) => someEntry({ name: bytes(name), size: 200_000, hardLinkGroup: bytes('/g') });
    await expect(writer.root.file(entry('gone'), half)).rejects.toBe(damaged);
    await expect(writer.root.file(entry('kept'), half)).rejects.toBe(damaged);
    const unopened = Object.assign(new Error('no copy'), { code: 'ENOENT', errno: -2 });
    const failing = () => {
      throw unopened;
    };
    await expect(writer.root.file(entry('unopened'), failing)).rejects.toBe(unopened);
    await expect(writer.root.file(entry('short'), () => Buffer.alloc(5))).rejects.toThrow(RangeError);
    const outside = async function* () {
      yield { offset: 199_999, data: Buffer.alloc(2) };
    };
    await expect(writer.root.file(entry('beyond'), outside)).rejects.toThrow(RangeError);
    expect(await writer.root.file(entry('good'), () => Buffer.alloc(200_000))).toBe('restored');
    expect(await writer.root.file(entry('linked'), half)).toBe('restored');
    await writer.finish();
    expect(fs.readdirSync(target)).toEqual(['good', 'kept', 'linked']);
    expect(fs.readFileSync(to('kept'), 'utf8')).toBe('old');
    expect(status(to('good')).ino).toBe(status(to('linked')).ino);
  });

  it('lets members of a group wait for one that is still being written', async () => {
    const writer = RestoreWriter.open({
      never: NO_FOLDERS,
      target: raw(target),
      onConflict: 'FAIL',
      onNotice: () => undefined,
    });
    const { promise, reject } = Promise.withResolvers<never>();
    const entry = (name: string) => someEntry({ name: bytes(name), size: 1, hardLinkGroup: bytes('/g') });
    const stuck = async function* () {
      yield await promise;
    };
    const outcomes = [
      writer.root.file(entry('a'), stuck),
      writer.root.file(entry('b'), () => bytes('b')),
      writer.root.file(entry('c'), () => bytes('c')),
    ];
    reject(new Error('damaged'));
    expect((await Promise.allSettled(outcomes)).map(({ status: outcome }) => outcome)).toEqual([
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
    await writer.finish();
    expect(fs.readdirSync(target)).toEqual(['b', 'c']);
    expect(status(to('b')).ino).toBe(status(to('c')).ino);
  });

  it('sets a directory right only when files still being written in it are done', async () => {
    const writer = RestoreWriter.open({
      never: NO_FOLDERS,
      target: raw(target),
      onConflict: 'FAIL',
      onNotice: () => undefined,
    });
    const directory = writer.root.directory(
      someEntry({ name: bytes('d'), type: 'directory', mode: 0o755, mtimeNs: 42n }),
    );
    const { promise, resolve } = Promise.withResolvers<void>();
    const writing = directory?.file(someEntry({ name: bytes('f'), size: 1 }), async function* () {
      await promise;
      yield { offset: 0, data: bytes('x') };
    });
    directory?.leave();
    expect(status(to('d')).mtimeNs).not.toBe(42n);
    expect(Number(status(to('d')).mode) & 0o777).toBe(0o700);
    resolve();
    await writing;
    expect(status(to('d'))).toMatchObject({ mtimeNs: 42n });
    expect(await writer.finish()).toMatchObject({ restored: 2 });
  });

  it('closes everything when it is given up', async () => {
    const before = fs.readdirSync('/proc/self/fd').length;
    const writer = RestoreWriter.open({
      never: NO_FOLDERS,
      target: raw(target),
      onConflict: 'FAIL',
      onNotice: () => undefined,
    });
    const directory = writer.root.directory(someEntry({ name: bytes('d'), type: 'directory' }));
    directory?.directory(someEntry({ name: bytes('e'), type: 'directory' }));
    await writer.abandon();
    expect(fs.readdirSync('/proc/self/fd').length).toBe(before);
  });

  describe.skipIf(!runsAsRoot)('as root', () => {
    const acl = (permissions: number) => {
      const entry = (tag: number, bits: number, id: number) => {
        const packed = Buffer.alloc(8);
        packed.writeUInt16LE(tag, 0);
        packed.writeUInt16LE(bits, 2);
        packed.writeUInt32LE(id, 4);
        return packed;
      };
      const none = 0xffffffff;
      const user = [entry(1, 7, none), entry(2, permissions, 1000)];
      return Buffer.concat([
        Buffer.from([2, 0, 0, 0]),
        ...user,
        entry(4, 4, none),
        entry(16, permissions, none),
        entry(32, 0, none),
      ]);
    };

    it('restores owners, devices, ACLs, capabilities and setuid', async () => {
      fs.writeFileSync(from('suid'), 'x');
      fs.chownSync(from('suid'), 1234, 4_000_000_000);
      fs.chmodSync(from('suid'), 0o6755);
      // cap_net_raw, effective and permitted, version 2.
      const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
      fs.writeFileSync(from('cap'), 'x');
      fs.chownSync(from('cap'), 77, 77);
      setXattr(atPath(from('cap')), bytes('security.capability'), capability);
      fs.mkdirSync(from('d'));
      setXattr(atPath(from('d')), bytes('system.posix_acl_default'), acl(5));
      setXattr(atPath(from('d')), bytes('system.posix_acl_access'), acl(7));
      fs.writeFileSync(from('d/inherits'), 'x');
      fs.writeFileSync(from('d/plain'), 'x');
      removeXattr(atPath(from('d/plain')), bytes('system.posix_acl_access'));
      fs.symlinkSync('t', from('l'));
      fs.lchownSync(from('l'), 5, 6);
      setXattr(atPath(from('l')), bytes('trusted.t'), bytes('v'));
      makeSpecialAt(AT_FDCWD, raw(from('c')), 'characterDevice', 0o600, { major: 1, minor: 300 });
      makeSpecialAt(AT_FDCWD, raw(from('b')), 'blockDevice', 0o660, { major: 7, minor: 9 });
      const { notices } = await copy();
      expect(notices).toEqual([]);
      for (const name of ['suid', 'cap', 'd', 'd/inherits', 'd/plain', 'l', 'c', 'b']) {
        expect({ ...status(to(name)), ino: 0n }, name).toEqual({ ...status(from(name)), ino: 0n });
        const xattrs = (base: string) => listXattrs(atPath(base)).map(String).sort();
        expect(xattrs(to(name)), name).toEqual(xattrs(from(name)));
        for (const attribute of xattrs(from(name))) {
          expect(getXattr(atPath(to(name)), raw(attribute))).toEqual(getXattr(atPath(from(name)), raw(attribute)));
        }
      }
      for (const name of ['c', 'b']) expect(fs.lstatSync(to(name)).rdev).toBe(fs.lstatSync(from(name)).rdev);
    });

    it('does not let what it makes keep an ACL that the target hands down', async () => {
      fs.writeFileSync(from('f'), 'x');
      fs.mkdirSync(from('d'));
      fs.writeFileSync(from('d/g'), 'x');
      makeSpecialAt(AT_FDCWD, raw(from('p')), 'fifo', 0o600);
      fs.mkdirSync(target);
      fs.writeFileSync(to('mine'), '');
      setXattr(atPath(target), bytes('system.posix_acl_default'), acl(7));
      expect((await copy()).notices).toEqual([]);
      for (const name of ['f', 'd', 'd/g', 'p']) expect(listXattrs(atPath(to(name))), name).toEqual([]);
    });

    it('reports what an unprivileged user may not set, and restores the rest', async () => {
      fs.writeFileSync(from('rooted'), 'content', { mode: 0o644 });
      fs.chownSync(from('rooted'), 1234, 1234);
      fs.chmodSync(from('rooted'), 0o6755);
      fs.writeFileSync(from('own'), 'mine');
      fs.chownSync(from('own'), 65_534, 65_534);
      fs.chmodSync(from('own'), 0o4755);
      setXattr(atPath(from('own')), bytes('user.u'), bytes('v'));
      makeSpecialAt(AT_FDCWD, raw(from('c')), 'characterDevice', 0o644, { major: 1, minor: 3 });
      makeSpecialAt(AT_FDCWD, raw(from('p')), 'fifo', 0o644);
      fs.chownSync(from('p'), 65_534, 65_534);
      fs.mkdirSync(from('locked'), { mode: 0o755 });
      fs.writeFileSync(from('locked/first'), 'linked', { mode: 0o644 });
      fs.linkSync(from('locked/first'), from('second'));
      for (const name of ['.', 'locked', 'locked/first']) fs.chownSync(from(name), 65_534, 65_534);
      fs.chmodSync(from('locked'), 0o555);
      fs.chmodSync(dir, 0o777);
      const { notices, counts } = await runUnprivileged(() => copy());
      fs.chmodSync(dir, 0o755);
      const told = (name: string) =>
        notices
          .filter((notice) => notice.path.toString() === to(name))
          .map(({ kind, message }) => `${kind} ${message.split(':')[0]}`);
      expect(told('rooted')).toEqual(['notRestorable owner 1234', 'notRestorable setuid and setgid']);
      expect(told('c')).toEqual(['notRestorable only root may make it']);
      expect(told('own')).toEqual([]);
      expect(notices.length).toBe(3);
      expect(counts).toEqual({ restored: 6, skipped: 0, failed: 0, notRestorable: 3 });
      expect(fs.statSync(to('rooted'))).toMatchObject({ uid: 65_534, mode: 0o100755 });
      expect(fs.statSync(to('own'))).toMatchObject({ uid: 65_534, mode: 0o104755 });
      expect(getXattr(atPath(to('own')), bytes('user.u'))).toEqual(bytes('v'));
      expect(fs.existsSync(to('c'))).toBe(false);
      expect(fs.statSync(to('locked')).mode & 0o777).toBe(0o555);
      expect(status(to('locked/first')).ino).toBe(status(to('second')).ino);
    });

    it('says what it cannot write, and goes on', async () => {
      fs.mkdirSync(from('closed'));
      fs.writeFileSync(from('closed/f'), 'x', { mode: 0o644 });
      fs.writeFileSync(from('g'), 'x', { mode: 0o644 });
      fs.mkdirSync(to('closed'), { recursive: true, mode: 0o755 });
      fs.chmodSync(target, 0o777);
      for (const name of ['', 'closed', 'closed/f', 'g']) fs.chownSync(from(name), 65_534, 65_534);
      const { notices, counts } = await runUnprivileged(() => copy('SKIP'));
      expect(notices.map(({ kind, path: where }: Notice) => `${kind} ${where.toString()}`)).toEqual([
        `unwritable ${to('closed/f')}`,
      ]);
      expect(counts).toMatchObject({ failed: 1, restored: 1, skipped: 1 });
      expect(fs.readFileSync(to('g'), 'utf8')).toBe('x');
    });
  });

  describe('a folder of Holdfast itself', () => {
    const own = () => path.join(dir, 'own');
    const open = (target: string) =>
      RestoreWriter.open({
        target: bytes(target),
        onConflict: 'OVERWRITE',
        never: new FolderSet([bytes(own())], []),
        onNotice: ({ message }) => notices.push(message),
      });
    let notices: string[];
    beforeEach(() => {
      notices = [];
      fs.mkdirSync(path.join(own(), 'inside'), { recursive: true });
      fs.symlinkSync(path.join(own(), 'inside'), path.join(dir, 'link'));
    });

    it('is no target, nor is what lies in it, by whatever path, and nothing is made there', () => {
      for (const target of [
        own(),
        path.join(own(), 'inside'),
        path.join(own(), 'new/er'),
        path.join(dir, 'link/new'),
      ]) {
        expect(() => open(target)).toThrow(expect.objectContaining({ code: 'TARGET_BELONGS_TO_HOLDFAST' }));
      }
      expect(fs.readdirSync(own())).toEqual(['inside']);
      expect(fs.readdirSync(path.join(own(), 'inside'))).toEqual([]);
    });

    it('is not entered by a restore above it, which goes on beside it', async () => {
      const writer = open(dir);
      expect(writer.root.directory(someEntry({ name: bytes('own'), type: 'directory' }))).toBeUndefined();
      const beside = writer.root.directory(someEntry({ name: bytes('beside'), type: 'directory' }));
      expect(beside).toBeDefined();
      expect((await writer.finish()).failed).toBe(1);
      expect(notices).toEqual([expect.stringContaining('belongs to Holdfast')]);
    });
  });

  it('closes a directory that was made and cannot be looked at', async () => {
    const notices: Notice[] = [];
    const writer = RestoreWriter.open({
      target: raw(target),
      onConflict: 'FAIL',
      never: NO_FOLDERS,
      onNotice: (notice) => notices.push(notice),
      ...(writers && { writers }),
    });
    const made = writer.root.directory(someEntry({ name: raw('made'), type: 'directory', mode: 0o755 }));
    const open = fs.readdirSync('/proc/self/fd').length;
    const { mkdirat, statx } = native();
    vi.spyOn(native(), 'mkdirat').mockImplementation((...args) => {
      const nowhere = -1;
      vi.spyOn(native(), 'statx').mockImplementationOnce((number, _, ...rest) => statx(number, nowhere, ...rest));
      return mkdirat(...args);
    });
    expect(made?.directory(someEntry({ name: raw('inside'), type: 'directory', mode: 0o755 }))).toBeUndefined();
    expect(fs.readdirSync('/proc/self/fd').length).toBe(open);
    vi.restoreAllMocks();
    expect(await writer.finish()).toMatchObject({ failed: 1 });
    expect(notices).toMatchObject([{ kind: 'unwritable', path: raw(to('made/inside')) }]);
  });
});
