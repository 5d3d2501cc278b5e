import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PosixError } from '../../platform/posix-error.js';
import { runsAsRoot } from '../../platform/unprivileged.fixture.js';
import { setXattr } from '../../platform/xattrs.js';
import type { FileEntry } from './file-entry.js';
import { NO_FOLDERS, someEntry } from './restore.fixture.js';
import type { ConflictMode } from './restore-conflict.js';
import { RestoreWriter } from './restore-writer.js';

const NOBODY = 65_534;
const OTHER = 65_533;
const EPERM = 1;
const bytes = (text: string) => Buffer.from(text, 'latin1');
type Rights = Pick<FileEntry, 'uid' | 'gid' | 'mode'>;
const rights = (uid: number, gid: number, mode: number): Rights => ({ uid, gid, mode });
const directoryEntry = (name: string, over: Partial<FileEntry> = {}): FileEntry =>
  someEntry({ name: bytes(name), type: 'directory', mode: 0o755, uid: NOBODY, gid: NOBODY, ...over });

describe.skipIf(!runsAsRoot)('a folder that others can have put where it is', () => {
  let dir: string;
  let target: string;
  let notices: string[];
  const to = (...names: string[]) => path.join(target, ...names);

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-put-'));
    fs.chmodSync(dir, 0o755);
    target = path.join(dir, 'target');
    fs.mkdirSync(target);
    notices = [];
  });
  afterEach(() => {
    vi.restoreAllMocks();
    fs.rmSync(dir, { recursive: true, force: true });
  });

  const isFor = (at: string, { uid, gid, mode }: Rights): void => {
    fs.chownSync(at, uid, gid);
    fs.chmodSync(at, mode);
  };
  const make = (name: string, rights: Rights): void => {
    fs.mkdirSync(to(name));
    isFor(to(name), rights);
  };
  const stateOf = (at: string) => {
    const { uid, gid, mode, mtimeMs } = fs.statSync(at);
    return { uid, gid, mode: mode & 0o7777, mtimeMs };
  };
  const open = (onConflict: ConflictMode, extra: Partial<Parameters<typeof RestoreWriter.open>[0]> = {}) =>
    RestoreWriter.open({
      target: bytes(target),
      onConflict,
      never: NO_FOLDERS,
      onNotice: ({ path: where, message }) => notices.push(`${path.relative(target, where.toString())}: ${message}`),
      ...extra,
    });
  const restore = async (onConflict: ConflictMode, entry: FileEntry): Promise<void> => {
    const writer = open(onConflict);
    const made = writer.root.directory(entry);
    await made?.file(someEntry({ name: bytes('file'), size: 7, mode: 0o644 }), () => bytes('content'));
    made?.leave();
    await writer.finish();
  };

  describe('under OVERWRITE', () => {
    it.each([
      { whose: "root's", in: 'a folder of a group', around: rights(0, NOBODY, 0o2775), folder: rights(0, 0, 0o700) },
      { whose: "root's", in: 'a folder for all', around: rights(0, 0, 0o777), folder: rights(0, 0, 0o700) },
      {
        whose: "a user's",
        in: 'a folder that they share',
        around: rights(OTHER, NOBODY, 0o775),
        folder: rights(OTHER, OTHER, 0o700),
      },
    ])('keeps its owner and mode: $whose, in $in', async ({ around, folder }) => {
      isFor(target, around);
      make('theirs', folder);
      const { mtimeMs: _, ...before } = stateOf(to('theirs'));
      await restore('OVERWRITE', directoryEntry('theirs'));
      expect(stateOf(to('theirs'))).toMatchObject(before);
      expect(notices).toEqual([expect.stringContaining('theirs: owner, mode and times')]);
    });

    it.each([
      { in: 'a folder of a group', around: rights(0, NOBODY, 0o2775) },
      { in: "its owner's, which a group shares", around: rights(NOBODY, NOBODY, 0o775) },
    ])('gets what the point has where that gives nobody more, in $in', async ({ around }) => {
      isFor(target, around);
      make('theirs', rights(NOBODY, NOBODY, 0o775));
      await restore('OVERWRITE', directoryEntry('theirs'));
      expect(stateOf(to('theirs'))).toEqual({ uid: NOBODY, gid: NOBODY, mode: 0o755, mtimeMs: 1000.000001 });
      expect(notices).toEqual([]);
    });

    it.each([
      { over: { mode: 0o775 }, folder: 0o755 },
      { over: { gid: OTHER }, folder: 0o775 },
      { over: { mode: 0o777 }, folder: 0o1777 },
      { over: { xattrs: [{ name: bytes('system.posix_acl_access'), value: accessList(OTHER) }] }, folder: 0o775 },
    ])('keeps its own where that would let in more: $over', async ({ over, folder }) => {
      isFor(target, rights(NOBODY, NOBODY, 0o775));
      make('theirs', rights(NOBODY, NOBODY, folder));
      await restore('OVERWRITE', directoryEntry('theirs', over));
      expect(stateOf(to('theirs'))).toMatchObject({ gid: NOBODY, mode: folder });
      expect(notices).toEqual([expect.stringContaining('theirs: owner, mode and times')]);
    });

    it.each([
      { what: 'keeps its own in a folder for all if they may write to it', folder: 0o775, isKept: true },
      {
        what: 'gets what the point has there if they may not, for then they move it nowhere',
        folder: 0o755,
        isKept: false,
      },
    ])('$what', async ({ folder, isKept }) => {
      isFor(target, rights(0, 0, 0o1777));
      make('theirs', rights(0, NOBODY, folder));
      await restore('OVERWRITE', directoryEntry('theirs'));
      expect(stateOf(to('theirs')).uid).toBe(isKept ? 0 : NOBODY);
      expect(notices).toHaveLength(isKept ? 1 : 0);
    });

    it('keeps its own where it has an access list that the point lacks', async () => {
      isFor(target, rights(NOBODY, NOBODY, 0o775));
      make('theirs', rights(NOBODY, NOBODY, 0o755));
      setXattr({ dirFd: -100, name: bytes(to('theirs')) }, bytes('system.posix_acl_access'), accessList(OTHER));
      await restore('OVERWRITE', directoryEntry('theirs', { mode: 0o775 }));
      expect(notices).toEqual([expect.stringContaining('theirs: owner, mode and times')]);
    });

    it('is the target itself, and keeps its owner and mode', async () => {
      isFor(target, rights(0, NOBODY, 0o2775));
      make('theirs', rights(0, 0, 0o700));
      fs.writeFileSync(to('theirs/secret'), 'secret');
      await open('OVERWRITE', { target: bytes(to('theirs')), base: directoryEntry('theirs') }).finish();
      expect(stateOf(to('theirs'))).toMatchObject({ uid: 0, mode: 0o700 });
      expect(notices).toEqual([expect.stringContaining('theirs: owner, mode and times')]);
    });
  });

  describe('and that the point closes', () => {
    const closed = (over: Partial<FileEntry> = {}) =>
      directoryEntry('closed', { uid: 0, gid: 0, mode: 0o700, ...over });
    const refusal = 'closed: others can have put the folder there that is there, and can read it';

    it.each(['FAIL', 'SKIP', 'KEEP_BOTH'] as const)('gets nothing while others can read it, under %s', async (mode) => {
      isFor(target, rights(NOBODY, NOBODY, 0o755));
      make('closed', rights(0, 0, 0o755));
      await restore(mode, closed());
      expect(fs.readdirSync(to('closed'))).toEqual([]);
      expect(stateOf(to('closed'))).toMatchObject({ uid: 0, mode: 0o755 });
      expect(notices).toEqual([expect.stringContaining(refusal)]);
    });

    const list = (theirs: number, group: number) => ({
      name: bytes('system.posix_acl_access'),
      value: accessList(OTHER, { theirs, group, others: 0 }),
    });

    it.each([
      { what: 'where it has an access list that the point lacks', inPoint: [], there: list(7, 7) },
      { what: 'where it lacks the access list by which the point keeps its group out', inPoint: [list(7, 0)] },
      { what: 'where its access list is another one', inPoint: [list(0, 7)], there: list(7, 7) },
    ])('gets nothing $what', async ({ inPoint, there }) => {
      isFor(target, rights(0, 0, 0o777));
      make('closed', rights(0, NOBODY, 0o770));
      if (there) setXattr({ dirFd: -100, name: bytes(to('closed')) }, there.name, there.value);
      await restore('SKIP', closed({ gid: NOBODY, mode: 0o770, xattrs: inPoint }));
      expect(fs.readdirSync(to('closed'))).toEqual([]);
      expect(notices).toEqual([expect.stringContaining(refusal)]);
    });

    it('gets nothing while others can read it who could only go through it', async () => {
      isFor(target, rights(0, 0, 0o777));
      make('closed', rights(0, 0, 0o755));
      await restore('SKIP', closed({ mode: 0o711 }));
      expect(fs.readdirSync(to('closed'))).toEqual([]);
      expect(notices).toEqual([expect.stringContaining(refusal)]);
    });

    it.each([rights(0, 0, 0o711), rights(0, NOBODY, 0o750), rights(0, 0, 0o750)])(
      'gets nothing while somebody can whom the point keeps out: %o',
      async (folder) => {
        isFor(target, rights(0, NOBODY, 0o2775));
        make('closed', folder);
        await restore('SKIP', closed());
        expect(fs.readdirSync(to('closed'))).toEqual([]);
        expect(notices).toEqual([expect.stringContaining(refusal)]);
      },
    );

    it.each([
      { what: 'it is closed', folder: rights(0, 0, 0o700), entry: closed() },
      {
        what: 'its group is that of the point',
        folder: rights(0, NOBODY, 0o750),
        entry: closed({ gid: NOBODY, mode: 0o750 }),
      },
      {
        what: 'its access list is that of the point',
        folder: rights(0, NOBODY, 0o770),
        there: list(7, 0),
        entry: closed({ gid: NOBODY, mode: 0o770, xattrs: [list(7, 0)] }),
      },
      {
        what: 'others may only go through it, as in the point, whose group is another',
        folder: rights(0, NOBODY, 0o711),
        entry: closed({ mode: 0o711 }),
      },
      {
        what: 'everybody might read it in the point, also by an access list',
        folder: rights(0, NOBODY, 0o755),
        entry: closed({ mode: 0o775, xattrs: [list(7, 5)] }),
      },
    ])('gets what the point has where $what', async ({ folder, there, entry }) => {
      isFor(target, rights(NOBODY, NOBODY, 0o755));
      make('closed', folder);
      if (there) setXattr({ dirFd: -100, name: bytes(to('closed')) }, there.name, there.value);
      await restore('SKIP', entry);
      expect(fs.readdirSync(to('closed'))).toEqual(['file']);
      expect(notices).toEqual([]);
    });

    it('gets what the point has where the file system keeps no modes', async () => {
      vi.spyOn(fs, 'fchmodSync').mockImplementation(() => undefined);
      isFor(target, rights(0, 0, 0o777));
      make('closed', rights(0, 0, 0o777));
      await restore('SKIP', closed());
      expect(fs.readdirSync(to('closed'))).toEqual(['file']);
      expect(notices).toEqual([]);
    });

    it.each([
      { what: "it is another's now", folder: rights(0, 0, 0o755), left: 0o700 },
      { what: 'its group is another now', folder: rights(OTHER, OTHER, 0o2770), left: 0o2720 },
      { what: 'all may write to it', folder: rights(0, 0, 0o777), left: 0o722 },
    ])('is closed under OVERWRITE also where it keeps its owner: $what', async ({ folder, left }) => {
      isFor(target, rights(0, NOBODY, 0o2775));
      make('closed', folder);
      const writer = open('OVERWRITE');
      const made = writer.root.directory(closed({ uid: OTHER, gid: NOBODY, mode: 0o2770 }));
      expect(stateOf(to('closed'))).toMatchObject({ uid: folder.uid, gid: folder.gid, mode: left });
      await made?.file(someEntry({ name: bytes('file'), size: 7, mode: 0o644 }), () => bytes('content'));
      made?.leave();
      await writer.finish();
      expect(fs.readdirSync(to('closed'))).toEqual(['file']);
      expect(stateOf(to('closed'))).toMatchObject({ uid: folder.uid, gid: folder.gid, mode: left });
      expect(notices).toEqual([expect.stringContaining('closed: owner, mode and times')]);
    });

    it('is closed under OVERWRITE also where an access list opens it', async () => {
      isFor(target, rights(0, 0, 0o777));
      make('closed', rights(0, NOBODY, 0o770));
      setXattr({ dirFd: -100, name: bytes(to('closed')) }, list(7, 7).name, list(7, 7).value);
      await restore('OVERWRITE', closed({ gid: NOBODY, mode: 0o770 }));
      expect(fs.readdirSync(to('closed'))).toEqual(['file']);
      expect(stateOf(to('closed')).mode).toBe(0o720);
    });

    it.each([
      {
        what: 'cannot be closed',
        over: {},
        fchmod: () => {
          throw new PosixError(EPERM, 'fchmod');
        },
      },
      { what: 'stays open', over: {}, fchmod: () => undefined },
      { what: 'only leads to what is restored', over: { leadsToSelection: true as const }, fchmod: undefined },
    ])('gets nothing under OVERWRITE where it $what', async ({ over, fchmod }) => {
      isFor(target, rights(0, NOBODY, 0o2775));
      make('closed', rights(0, 0, 0o755));
      const original = fs.fchmodSync;
      vi.spyOn(fs, 'fchmodSync').mockImplementation((fd, mode) => {
        const isOfFolder = fs.readlinkSync(`/proc/self/fd/${fd}`) === to('closed');
        if (isOfFolder && fchmod) fchmod();
        else original(fd, mode);
      });
      await restore('OVERWRITE', closed(over));
      expect(fs.readdirSync(to('closed'))).toEqual([]);
      expect(stateOf(to('closed'))).toMatchObject({ uid: 0, mode: 0o755 });
      expect(notices).toEqual([expect.stringContaining(refusal)]);
    });

    it('is closed before it gets anything under OVERWRITE where a group shares its own folder', async () => {
      isFor(target, rights(NOBODY, NOBODY, 0o775));
      make('closed', rights(NOBODY, NOBODY, 0o775));
      const writer = open('OVERWRITE');
      const made = writer.root.directory(closed({ uid: NOBODY, gid: NOBODY, mode: 0o700 }));
      expect(stateOf(to('closed')).mode & 0o055).toBe(0);
      made?.leave();
      await writer.finish();
      expect(stateOf(to('closed'))).toMatchObject({ uid: NOBODY, mode: 0o700, mtimeMs: 1000.000001 });
      expect(notices).toEqual([]);
    });
  });

  it('keeps its owner and mode as an empty target', async () => {
    isFor(target, rights(0, NOBODY, 0o2775));
    make('theirs', rights(0, 0, 0o700));
    await open('FAIL', { target: bytes(to('theirs')), base: directoryEntry('theirs') }).finish();
    expect(stateOf(to('theirs'))).toMatchObject({ uid: 0, mode: 0o700 });
    expect(notices).toEqual([expect.stringContaining('theirs: owner, mode and times')]);
  });
});

/** In which that user is named. */
function accessList(user: number, { theirs, group, others } = { theirs: 7, group: 5, others: 5 }): Buffer {
  const entry = (tag: number, permissions: number, id = 0xffffffff) => {
    const packed = Buffer.alloc(8);
    packed.writeUInt16LE(tag, 0);
    packed.writeUInt16LE(permissions, 2);
    packed.writeUInt32LE(id, 4);
    return packed;
  };
  return Buffer.concat([
    Buffer.from([2, 0, 0, 0]),
    ...[entry(1, 7), entry(2, theirs, user), entry(4, group), entry(16, 7), entry(32, others)],
  ]);
}
