import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { syncDirectory, syncFileSystem } from './durability.js';
import { allocate, dataExtents } from './file-extents.js';
import { statAt, statFd } from './file-status.js';
import {
  linkAt,
  linkFdAt,
  makeDirectoryAt,
  makeSpecialAt,
  readLinkAt,
  readNames,
  removeDirectoryAt,
  renameAt,
  renameNoReplaceAt,
  symlinkAt,
  unlinkAt,
} from './names.js';
import { joinNanoseconds, splitNanoseconds } from './nanoseconds.js';
import { O_PATH, openAt, openBeneath } from './open-file.js';
import { chmodPathFd, chownAt, chownFd, KEEP_ID, setMtimeAt, setMtimeFd, setMtimePathFd } from './owner-mode-times.js';
import { AT_FDCWD, unsupportedReason } from './posix.js';
import { errorCode, PosixError, reasonOf } from './posix-error.js';
import { nice } from './thread-priority.js';
import { runsAsRoot, runUnprivileged } from './unprivileged.fixture.js';
import { getXattr, hasXattr, listXattrs, removeXattr, setXattr } from './xattrs.js';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW } = fs.constants;

describe('on a platform that is not supported', () => {
  const { platform } = process;
  afterEach(() => Object.defineProperty(process, 'platform', { value: platform }));

  it('loads, says so, and fails every call', async () => {
    vi.resetModules();
    Object.defineProperty(process, 'platform', { value: 'darwin' });
    const posix = await import('./posix.js');
    const status = await import('./file-status.js');
    expect(posix.unsupportedReason()).toBe('file system calls are not supported on darwin');
    expect(() => status.statAt(AT_FDCWD, bytes('/'))).toThrow('ENOSYS');
  });
});

describe.skipIf(process.platform !== 'linux')('system calls', () => {
  let dir: string;
  let dirFd: number;
  const made: number[] = [];

  const keep = (fd: number) => {
    made.push(fd);
    return fd;
  };
  const code = (action: () => unknown): string => {
    try {
      action();
    } catch (error) {
      return errorCode(error) ?? String(error);
    }
    return 'none';
  };

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-posix-'));
    fs.chmodSync(dir, 0o755);
    dirFd = keep(openAt(AT_FDCWD, Buffer.from(dir), O_RDONLY | O_DIRECTORY));
  });
  afterEach(() => {
    for (const fd of made.splice(0)) fs.closeSync(fd);
    fs.rmSync(dir, { recursive: true, force: true });
  });

  it('is supported on this platform', () => {
    expect(unsupportedReason()).toBeUndefined();
  });

  it('names errors as Node does', () => {
    let error: unknown;
    try {
      openAt(dirFd, bytes('absent'), O_RDONLY);
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ code: 'ENOENT', errno: -2, syscall: 'openat' });
    expect((error as Error).message).toBe("ENOENT: no such file or directory, openat 'absent'");
    expect(reasonOf(error)).toBe('no such file or directory (ENOENT)');
  });

  it("tells people why Node's own calls failed in the same words, and leaves other errors as they are", () => {
    let error: unknown;
    try {
      fs.readFileSync(dir);
    } catch (caught) {
      error = caught;
    }
    expect(reasonOf(error)).toBe('illegal operation on a directory (EISDIR)');
    expect(reasonOf(new Error('it is odd'))).toBe('it is odd');
  });

  it('refuses a name with a NUL byte instead of cutting it', () => {
    fs.writeFileSync(path.join(dir, 'a'), '');
    expect(code(() => openAt(dirFd, bytes('a\0b'), O_RDONLY))).toBe('EINVAL');
    expect(code(() => makeDirectoryAt(dirFd, bytes('x\0y'), 0o700))).toBe('EINVAL');
    expect(fs.readdirSync(dir)).toEqual(['a']);
  });

  it('opens files that children do not inherit', () => {
    const fd = keep(openAt(dirFd, bytes('f'), O_RDWR | O_CREAT | O_EXCL, 0o600));
    const flags = fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').match(/flags:\s+(\d+)/)?.[1] ?? '';
    expect(Number.parseInt(flags, 8) & 0o2000000).not.toBe(0);
  });

  it('tells the same of a file as lstat', () => {
    const file = path.join(dir, 'f');
    fs.writeFileSync(file, 'hello');
    fs.chmodSync(file, 0o4751);
    fs.linkSync(file, path.join(dir, 'g'));
    const expected = fs.lstatSync(file, { bigint: true });
    const status = statAt(dirFd, bytes('f'));
    expect(status).toMatchObject({
      type: 'file',
      mode: 0o4751,
      uid: Number(expected.uid),
      gid: Number(expected.gid),
      size: 5,
      blocks: Number(expected.blocks),
      nlink: 2,
      ino: expected.ino,
      mtimeNs: expected.mtimeNs,
      ctimeNs: expected.ctimeNs,
    });
    expect(statFd(keep(openAt(dirFd, bytes('f'), O_RDONLY)))).toEqual(status);
    expect(statAt(AT_FDCWD, Buffer.from('/proc')).dev).not.toBe(status.dev);
  });

  it('recognises every type of file', () => {
    fs.symlinkSync('nowhere', path.join(dir, 'link'));
    makeSpecialAt(dirFd, bytes('fifo'), 'fifo', 0o600);
    makeSpecialAt(dirFd, bytes('socket'), 'socket', 0o600);
    const types = ['link', 'fifo', 'socket', '.'].map((name) => statAt(dirFd, bytes(name)).type);
    expect(types).toEqual(['symlink', 'fifo', 'socket', 'directory']);
    expect(statAt(AT_FDCWD, Buffer.from('/dev/null'))).toMatchObject({
      type: 'characterDevice',
      deviceMajor: 1,
      deviceMinor: 3,
    });
  });

  it('lists the raw names of a large directory', () => {
    const expected = new Set<string>();
    for (let i = 0; i < 1500; i++) expected.add(`entry-${i}-${'x'.repeat(i % 100)}`);
    expected.add('not-utf8-\xff\xfe');
    expected.add('new\nline');
    const file = path.join(dir, 'file');
    fs.writeFileSync(file, '');
    // Links, for making a file is slow on some file systems.
    for (const name of expected) fs.linkSync(file, Buffer.concat([Buffer.from(`${dir}/`), bytes(name)]));
    expected.add('file');
    const fd = keep(openAt(dirFd, bytes('.'), O_RDONLY | O_DIRECTORY));
    expect(new Set(readNames(fd))).toEqual(expected);
  });

  it('keeps the raw bytes of a symbolic link and its target', () => {
    const name = bytes('l\xff');
    const target = bytes('../t\xfe\xff/\x01');
    symlinkAt(target, dirFd, name);
    expect(readLinkAt(dirFd, name)).toEqual(target);
    const long = bytes('t'.repeat(4095));
    symlinkAt(long, dirFd, bytes('long'));
    expect(readLinkAt(dirFd, bytes('long'))).toEqual(long);
    expect(code(() => readLinkAt(dirFd, bytes('.')))).toBe('EINVAL');
  });

  it('makes, links, renames and removes names', () => {
    makeDirectoryAt(dirFd, bytes('d'), 0o700);
    const sub = keep(openAt(dirFd, bytes('d'), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    fs.writeFileSync(path.join(dir, 'a'), 'A');
    fs.writeFileSync(path.join(dir, 'b'), 'B');
    linkAt(dirFd, bytes('a'), sub, bytes('a2'));
    expect(statAt(sub, bytes('a2')).ino).toBe(statAt(dirFd, bytes('a')).ino);
    expect(code(() => renameNoReplaceAt(dirFd, bytes('a'), dirFd, bytes('b')))).toBe('EEXIST');
    renameNoReplaceAt(dirFd, bytes('a'), dirFd, bytes('c'));
    renameAt(dirFd, bytes('c'), dirFd, bytes('b'));
    expect(fs.readFileSync(path.join(dir, 'b'), 'utf8')).toBe('A');
    expect(code(() => unlinkAt(dirFd, bytes('d')))).toMatch(/EISDIR|EPERM/);
    expect(code(() => removeDirectoryAt(dirFd, bytes('d')))).toBe('ENOTEMPTY');
    unlinkAt(sub, bytes('a2'));
    removeDirectoryAt(dirFd, bytes('d'));
    expect(fs.readdirSync(dir)).toEqual(['b']);
  });

  it('links the very file that is open, whatever its name means by then', () => {
    fs.writeFileSync(path.join(dir, 'a'), 'mine');
    const fd = keep(openAt(dirFd, bytes('a'), O_PATH | O_NOFOLLOW));
    fs.writeFileSync(path.join(dir, 'other'), 'not mine');
    fs.renameSync(path.join(dir, 'other'), path.join(dir, 'a'));
    fs.writeFileSync(path.join(dir, 'still'), '');
    expect(code(() => linkFdAt(fd, dirFd, bytes('still')))).toBe('EEXIST');
  });

  it('sets times of files and links to the nanosecond, from 1901 to 2200', () => {
    const file = path.join(dir, 'f');
    fs.writeFileSync(file, '');
    fs.symlinkSync('f', path.join(dir, 'l'));
    const fd = keep(openAt(dirFd, bytes('f'), O_RDWR));
    const at = (iso: string, nanos: number) => joinNanoseconds(BigInt(Date.parse(iso)) / 1000n, nanos);
    const times = [at('1901-12-31T00:00:00Z', 1), -1n, 0n, 123_456_789n, at('2200-01-01T00:00:00Z', 999_999_999)];
    for (const time of times) {
      setMtimeAt(dirFd, bytes('l'), time);
      expect(statAt(dirFd, bytes('l')).mtimeNs).toBe(time);
      setMtimeFd(fd, time + 1n);
      expect(statAt(dirFd, bytes('f')).mtimeNs).toBe(time + 1n);
    }
  });

  it('leaves the access time alone when it sets the modification time', () => {
    const file = path.join(dir, 'f');
    fs.writeFileSync(file, '');
    fs.utimesSync(file, 1000, 2000);
    setMtimeAt(dirFd, bytes('f'), 5n);
    expect(fs.statSync(file, { bigint: true })).toMatchObject({ atimeNs: 1000_000_000_000n, mtimeNs: 5n });
  });

  it('splits and joins every time without loss', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), (time) => {
        const { seconds, nanos } = splitNanoseconds(time);
        expect(nanos).toBeGreaterThanOrEqual(0);
        expect(nanos).toBeLessThan(1_000_000_000);
        expect(joinNanoseconds(seconds, nanos)).toBe(time);
      }),
    );
  });

  it('changes what a descriptor pins, whatever its name means by then', () => {
    makeSpecialAt(dirFd, bytes('p'), 'fifo', 0o600);
    fs.symlinkSync('victim', path.join(dir, 'l'));
    fs.writeFileSync(path.join(dir, 'victim'), '');
    fs.chmodSync(path.join(dir, 'victim'), 0o600);
    const victim = statAt(dirFd, bytes('victim'));
    const fifo = keep(openAt(dirFd, bytes('p'), O_PATH | O_NOFOLLOW));
    const link = keep(openAt(dirFd, bytes('l'), O_PATH | O_NOFOLLOW));
    fs.renameSync(path.join(dir, 'p'), path.join(dir, 'moved'));
    fs.linkSync(path.join(dir, 'victim'), path.join(dir, 'p'));
    chmodPathFd(fifo, 0o642);
    setMtimePathFd(fifo, 77n);
    chownFd(fifo, KEEP_ID, process.getegid?.() ?? 0);
    expect(statAt(dirFd, bytes('moved'))).toMatchObject({ mode: 0o642, mtimeNs: 77n });
    setMtimePathFd(link, -5n);
    expect(statAt(dirFd, bytes('l')).mtimeNs).toBe(-5n);
    expect(code(() => chmodPathFd(link, 0o777))).toBe('ENOTSUP');
    expect(statAt(dirFd, bytes('victim'))).toMatchObject({ mode: victim.mode, mtimeNs: victim.mtimeNs });
  });

  it('carries attributes of any size, names and values as bytes', () => {
    fs.writeFileSync(path.join(dir, 'f\u00e9'), '');
    const name = Buffer.from('f\u00e9');
    const fd = keep(openAt(dirFd, name, O_RDWR));
    const big = Buffer.alloc(3000, 7);
    setXattr(fd, bytes('user.big'), big);
    setXattr({ dirFd, name }, bytes('user.empty'), Buffer.alloc(0));
    setXattr({ dirFd, name }, bytes('user.raw\xff'), Buffer.from([0, 255]));
    expect(listXattrs(fd).map(String).sort()).toEqual(listXattrs({ dirFd, name }).map(String).sort());
    expect(getXattr({ dirFd, name }, bytes('user.big'))).toEqual(big);
    expect(getXattr(fd, bytes('user.empty'))).toEqual(Buffer.alloc(0));
    expect(getXattr(fd, bytes('user.raw\xff'))).toEqual(Buffer.from([0, 255]));
    expect([hasXattr(fd, bytes('user.empty')), hasXattr({ dirFd, name }, bytes('user.big'))]).toEqual([true, true]);
    removeXattr(fd, bytes('user.big'));
    removeXattr({ dirFd, name }, bytes('user.empty'));
    expect(listXattrs(fd)).toEqual([bytes('user.raw\xff')]);
    expect(code(() => getXattr(fd, bytes('user.big')))).toBe('ENODATA');
    expect(hasXattr(fd, bytes('user.big'))).toBe(false);
  });

  it('reads a list of attributes longer than its first buffer', ({ skip }) => {
    // On tmpfs, which has room for them (since Linux 6.6).
    const room = fs.mkdtempSync('/dev/shm/holdfast-xattr-');
    try {
      const at = { dirFd: AT_FDCWD, name: Buffer.from(room) };
      const expected = Array.from({ length: 60 }, (_, i) => `user.${String(i).padStart(3, '0')}${'n'.repeat(200)}`);
      skip(
        code(() => setXattr(at, bytes('user.large'), Buffer.alloc(60_000, 1))) === 'ENOTSUP',
        'no attributes on tmpfs',
      );
      for (const name of expected) setXattr(at, bytes(name), bytes('v'));
      expect(listXattrs(at).map(String).sort()).toEqual([...expected, 'user.large'].sort());
      expect(getXattr(at, bytes('user.large')).length).toBe(60_000);
    } finally {
      fs.rmdirSync(room);
    }
  });

  it('lists where the data of a sparse file lies', () => {
    const fd = keep(openAt(dirFd, bytes('sparse'), O_RDWR | O_CREAT, 0o600));
    const mib = 1 << 20;
    fs.ftruncateSync(fd, 10 * mib);
    expect(dataExtents(fd, 0, 10 * mib)).toEqual([]);
    fs.writeSync(fd, Buffer.alloc(65_536, 1), 0, 65_536, 2 * mib);
    fs.writeSync(fd, Buffer.alloc(mib, 1), 0, mib, 9 * mib);
    fs.fsyncSync(fd);
    expect(dataExtents(fd, 0, 10 * mib)).toEqual([
      { offset: 2 * mib, length: 65_536 },
      { offset: 9 * mib, length: mib },
    ]);
    expect(dataExtents(fd, 0, 0)).toEqual([]);
    expect(dataExtents(fd, 2 * mib + 100, 9 * mib + 10)).toEqual([
      { offset: 2 * mib + 100, length: 65_436 },
      { offset: 9 * mib, length: 10 },
    ]);
    expect(dataExtents(fd, 3 * mib, 9 * mib)).toEqual([]);
  });

  it('takes a file that is all data as one run, and one beyond 4 GiB as it is', () => {
    const fd = keep(openAt(dirFd, bytes('dense'), O_RDWR | O_CREAT, 0o600));
    fs.writeSync(fd, Buffer.alloc(10_000, 1));
    expect(dataExtents(fd, 0, 10_000)).toEqual([{ offset: 0, length: 10_000 }]);
    const far = 5 * 2 ** 30;
    fs.writeSync(fd, Buffer.alloc(4096, 2), 0, 4096, far);
    expect(statFd(fd).size).toBe(far + 4096);
    expect(dataExtents(fd, 0, far + 4096).at(-1)).toEqual({ offset: far, length: 4096 });
  });

  it('reserves space for a file', () => {
    const fd = keep(openAt(dirFd, bytes('room'), O_RDWR | O_CREAT, 0o600));
    allocate(fd, 0, 1 << 20);
    expect(statFd(fd)).toMatchObject({ size: 1 << 20, blocks: 2048 });
  });

  it('makes a file system and a directory durable, and reports a failure', async () => {
    await syncFileSystem(dirFd);
    syncDirectory(Buffer.from(dir));
    await expect(syncFileSystem(999_999)).rejects.toBeInstanceOf(PosixError);
  });

  it('lowers the priority of its thread', () => {
    expect(nice(0)).toBe(os.getPriority());
    expect(nice(1)).toBe(os.getPriority());
  });

  describe.each(['openat2', 'components'] as const)('opening beneath a directory by %s', (method) => {
    it('reaches what lies below and nothing else', () => {
      fs.mkdirSync(path.join(dir, 'in/deep'), { recursive: true });
      fs.writeFileSync(path.join(dir, 'in/deep/file'), 'x');
      fs.symlinkSync('/etc', path.join(dir, 'out'));
      fs.symlinkSync('in', path.join(dir, 'inner'));
      fs.symlinkSync('/etc/passwd', path.join(dir, 'in/passwd'));
      keep(openBeneath(dirFd, bytes('in/deep/file'), O_RDONLY, 0, method));
      keep(openBeneath(dirFd, bytes('.'), O_RDONLY | O_DIRECTORY, 0, method));
      const refused = (name: string) => code(() => openBeneath(dirFd, bytes(name), O_RDONLY, 0, method));
      expect(refused('out/passwd')).toMatch(/ELOOP|ENOTDIR/);
      expect(refused('inner/deep/file')).toMatch(/ELOOP|ENOTDIR/);
      expect(refused('in/passwd')).toBe('ELOOP');
      expect(refused('../escape')).toMatch(/EXDEV/);
      expect(refused('in/../../escape')).toMatch(/EXDEV/);
      expect(refused('/etc/passwd')).toBe('EXDEV');
      expect(refused('in/absent')).toBe('ENOENT');
    });

    it('creates below and does not leave descriptors open', () => {
      fs.mkdirSync(path.join(dir, 'a/b'), { recursive: true });
      const before = fs.readdirSync('/proc/self/fd').length;
      fs.closeSync(openBeneath(dirFd, bytes('a/b/new'), O_RDWR | O_CREAT | O_EXCL, 0o640, method));
      code(() => openBeneath(dirFd, bytes('a/x/new'), O_RDONLY, 0, method));
      expect(fs.readdirSync('/proc/self/fd').length).toBe(before);
      expect(statAt(dirFd, bytes('a/b/new'))).toMatchObject({ type: 'file', mode: 0o640 });
    });
  });

  describe.skipIf(!runsAsRoot)('as root', () => {
    it('makes device nodes with large numbers', () => {
      makeSpecialAt(dirFd, bytes('c'), 'characterDevice', 0o600, { major: 0xfff, minor: 0xfffff });
      makeSpecialAt(dirFd, bytes('b'), 'blockDevice', 0o600, { major: 259, minor: 300 });
      expect(statAt(dirFd, bytes('c'))).toMatchObject({
        type: 'characterDevice',
        deviceMajor: 0xfff,
        deviceMinor: 0xfffff,
      });
      expect(statAt(dirFd, bytes('b'))).toMatchObject({ type: 'blockDevice', deviceMajor: 259, deviceMinor: 300 });
      expect(code(() => makeSpecialAt(dirFd, bytes('z'), 'blockDevice', 0, { major: 5000, minor: 0 }))).toBe('EINVAL');
    });

    it('changes the owner of a link and not of what it points to', () => {
      fs.writeFileSync(path.join(dir, 'f'), '');
      fs.symlinkSync('f', path.join(dir, 'l'));
      chownAt(dirFd, bytes('l'), 1234, 4_000_000_000);
      expect(statAt(dirFd, bytes('l'))).toMatchObject({ uid: 1234, gid: 4_000_000_000 });
      chownFd(keep(openAt(dirFd, bytes('l'), O_PATH | O_NOFOLLOW)), 77, KEEP_ID);
      expect(statAt(dirFd, bytes('l'))).toMatchObject({ uid: 77, gid: 4_000_000_000 });
      expect(statAt(dirFd, bytes('f'))).toMatchObject({ uid: 0, gid: 0 });
    });

    it('sees ACLs as attributes', () => {
      fs.writeFileSync(path.join(dir, 'f'), '');
      // Version 2; user::rw-, user:1000:r--, group::r--, mask::r--, other::---.
      const entry = (tag: number, permissions: number, id: number) => {
        const packed = Buffer.alloc(8);
        packed.writeUInt16LE(tag, 0);
        packed.writeUInt16LE(permissions, 2);
        packed.writeUInt32LE(id, 4);
        return packed;
      };
      const none = 0xffffffff;
      const acl = Buffer.concat([
        Buffer.from([2, 0, 0, 0]),
        entry(1, 6, none),
        entry(2, 4, 1000),
        entry(4, 4, none),
        entry(16, 4, none),
        entry(32, 0, none),
      ]);
      setXattr({ dirFd, name: bytes('f') }, bytes('system.posix_acl_access'), acl);
      expect(listXattrs({ dirFd, name: bytes('f') })).toEqual([bytes('system.posix_acl_access')]);
      expect(getXattr({ dirFd, name: bytes('f') }, bytes('system.posix_acl_access'))).toEqual(acl);
      expect(statAt(dirFd, bytes('f')).mode).toBe(0o640);
      fs.symlinkSync('nowhere', path.join(dir, 'l'));
      const pathFd = keep(openAt(dirFd, bytes('l'), O_PATH | O_NOFOLLOW));
      setXattr({ pathFd }, bytes('trusted.link'), bytes('v'));
      expect(listXattrs({ dirFd, name: bytes('l') }).map(String)).toContain('trusted.link');
      expect(getXattr({ pathFd }, bytes('trusted.link'))).toEqual(bytes('v'));
      removeXattr({ pathFd }, bytes('trusted.link'));
      setXattr({ dirFd, name: bytes('f') }, bytes('trusted.holdfast'), bytes('v'));
      expect(getXattr({ dirFd, name: bytes('f') }, bytes('trusted.holdfast'))).toEqual(bytes('v'));
    });

    it('is refused what its user may not do', async () => {
      fs.writeFileSync(path.join(dir, 'f'), '');
      const codes = await runUnprivileged(() => [
        code(() => chownAt(dirFd, bytes('f'), 1, 1)),
        code(() => chmodPathFd(keep(openAt(dirFd, bytes('f'), O_PATH)), 0o777)),
        code(() => makeSpecialAt(dirFd, bytes('d'), 'blockDevice', 0o600, { major: 7, minor: 0 })),
        code(() => makeDirectoryAt(dirFd, bytes('d'), 0o700)),
        code(() => setXattr({ dirFd, name: bytes('f') }, bytes('user.x'), bytes('v'))),
        code(() => setMtimeAt(dirFd, bytes('f'), 0n)),
      ]);
      expect(codes).toEqual(['EPERM', 'EPERM', 'EACCES', 'EACCES', 'EACCES', 'EPERM']);
    });
  });
});
