import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PosixError } from '../../platform/posix-error.js';
import { runsAsRoot } from '../../platform/unprivileged.fixture.js';
import { setXattr } from '../../platform/xattrs.js';
import type { FileEntry } from './file-entry.js';
import { someEntry } from './restore.fixture.js';
import type { ConflictMode } from './restore-conflict.js';
import { accessList, bytes, NOBODY, RestoreScene } from './restore-scene.fixture.js';

const OTHER = 65_533;
const EPERM = 1;
type Rights = Pick<FileEntry, 'uid' | 'gid' | 'mode'>;
const rights = (uid: number, gid: number, mode: number): Rights => ({ uid, gid, mode });
const directoryEntry = (name: string, over: Partial<FileEntry> = {}): FileEntry =>
  someEntry({ name: bytes(name), type: 'directory', mode: 0o755, uid: NOBODY, gid: NOBODY, ...over });

describe.skipIf(!runsAsRoot)('a folder that others can have put where it is', () => {
  let scene: RestoreScene;
  beforeEach(() => {
    scene = new RestoreScene();
  });
  afterEach(() => {
    vi.restoreAllMocks();
    scene.remove();
  });

  const isFor = (at: string, { uid, gid, mode }: Rights): void => {
    fs.chownSync(at, uid, gid);
    fs.chmodSync(at, mode);
  };
  const make = (name: string, rights: Rights): void => {
    fs.mkdirSync(scene.to(name));
    isFor(scene.to(name), rights);
  };
  const stateOf = (at: string) => {
    const { uid, gid, mode, mtimeMs } = fs.statSync(at);
    return { uid, gid, mode: mode & 0o7777, mtimeMs };
  };
  const restore = async (onConflict: ConflictMode, entry: FileEntry): Promise<void> => {
    const writer = scene.open(onConflict);
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
      isFor(scene.target, around);
      make('theirs', folder);
      const { mtimeMs: _, ...before } = stateOf(scene.to('theirs'));
      await restore('OVERWRITE', directoryEntry('theirs'));
      expect(stateOf(scene.to('theirs'))).toMatchObject(before);
      expect(scene.notices).toEqual([expect.stringContaining('theirs: owner, mode and times')]);
    });

    it.each([
      { in: 'a folder of a group', around: rights(0, NOBODY, 0o2775) },
      { in: "its owner's, which a group shares", around: rights(NOBODY, NOBODY, 0o775) },
    ])('gets what the point has where that gives nobody more, in $in', async ({ around }) => {
      isFor(scene.target, around);
      make('theirs', rights(NOBODY, NOBODY, 0o775));
      await restore('OVERWRITE', directoryEntry('theirs'));
      expect(stateOf(scene.to('theirs'))).toEqual({ uid: NOBODY, gid: NOBODY, mode: 0o755, mtimeMs: 1000.000001 });
      expect(scene.notices).toEqual([]);
    });

    it.each([
      { over: { mode: 0o775 }, folder: 0o755 },
      { over: { gid: OTHER }, folder: 0o775 },
      { over: { mode: 0o777 }, folder: 0o1777 },
      { over: { xattrs: [{ name: bytes('system.posix_acl_access'), value: accessList(OTHER) }] }, folder: 0o775 },
    ])('keeps its own where that would let in more: $over', async ({ over, folder }) => {
      isFor(scene.target, rights(NOBODY, NOBODY, 0o775));
      make('theirs', rights(NOBODY, NOBODY, folder));
      await restore('OVERWRITE', directoryEntry('theirs', over));
      expect(stateOf(scene.to('theirs'))).toMatchObject({ gid: NOBODY, mode: folder });
      expect(scene.notices).toEqual([expect.stringContaining('theirs: owner, mode and times')]);
    });

    it.each([
      { what: 'keeps its own in a folder for all if they may write to it', folder: 0o775, isKept: true },
      {
        what: 'gets what the point has there if they may not, for then they move it nowhere',
        folder: 0o755,
        isKept: false,
      },
    ])('$what', async ({ folder, isKept }) => {
      isFor(scene.target, rights(0, 0, 0o1777));
      make('theirs', rights(0, NOBODY, folder));
      await restore('OVERWRITE', directoryEntry('theirs'));
      expect(stateOf(scene.to('theirs')).uid).toBe(isKept ? 0 : NOBODY);
      expect(scene.notices).toHaveLength(isKept ? 1 : 0);
    });

    it('keeps its own where it has an access list that the point lacks', async () => {
      isFor(scene.target, rights(NOBODY, NOBODY, 0o775));
      make('theirs', rights(NOBODY, NOBODY, 0o755));
      setXattr({ dirFd: -100, name: bytes(scene.to('theirs')) }, bytes('system.posix_acl_access'), accessList(OTHER));
      await restore('OVERWRITE', directoryEntry('theirs', { mode: 0o775 }));
      expect(scene.notices).toEqual([expect.stringContaining('theirs: owner, mode and times')]);
    });

    it('is the target itself, and keeps its owner and mode', async () => {
      isFor(scene.target, rights(0, NOBODY, 0o2775));
      make('theirs', rights(0, 0, 0o700));
      fs.writeFileSync(scene.to('theirs/secret'), 'secret');
      await scene.open('OVERWRITE', { target: bytes(scene.to('theirs')), base: directoryEntry('theirs') }).finish();
      expect(stateOf(scene.to('theirs'))).toMatchObject({ uid: 0, mode: 0o700 });
      expect(scene.notices).toEqual([expect.stringContaining('theirs: owner, mode and times')]);
    });
  });

  describe('and that the point closes', () => {
    const closed = (over: Partial<FileEntry> = {}) =>
      directoryEntry('closed', { uid: 0, gid: 0, mode: 0o700, ...over });
    const refusal = 'closed: others can have put the folder there that is there, and can read it';

    it.each(['FAIL', 'SKIP', 'KEEP_BOTH'] as const)('gets nothing while others can read it, under %s', async (mode) => {
      isFor(scene.target, rights(NOBODY, NOBODY, 0o755));
      make('closed', rights(0, 0, 0o755));
      await restore(mode, closed());
      expect(fs.readdirSync(scene.to('closed'))).toEqual([]);
      expect(stateOf(scene.to('closed'))).toMatchObject({ uid: 0, mode: 0o755 });
      expect(scene.notices).toEqual([expect.stringContaining(refusal)]);
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
      isFor(scene.target, rights(0, 0, 0o777));
      make('closed', rights(0, NOBODY, 0o770));
      if (there) setXattr({ dirFd: -100, name: bytes(scene.to('closed')) }, there.name, there.value);
      await restore('SKIP', closed({ gid: NOBODY, mode: 0o770, xattrs: inPoint }));
      expect(fs.readdirSync(scene.to('closed'))).toEqual([]);
      expect(scene.notices).toEqual([expect.stringContaining(refusal)]);
    });

    it('gets nothing while others can read it who could only go through it', async () => {
      isFor(scene.target, rights(0, 0, 0o777));
      make('closed', rights(0, 0, 0o755));
      await restore('SKIP', closed({ mode: 0o711 }));
      expect(fs.readdirSync(scene.to('closed'))).toEqual([]);
      expect(scene.notices).toEqual([expect.stringContaining(refusal)]);
    });

    it.each([rights(0, 0, 0o711), rights(0, NOBODY, 0o750), rights(0, 0, 0o750)])(
      'gets nothing while somebody can whom the point keeps out: %o',
      async (folder) => {
        isFor(scene.target, rights(0, NOBODY, 0o2775));
        make('closed', folder);
        await restore('SKIP', closed());
        expect(fs.readdirSync(scene.to('closed'))).toEqual([]);
        expect(scene.notices).toEqual([expect.stringContaining(refusal)]);
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
      isFor(scene.target, rights(NOBODY, NOBODY, 0o755));
      make('closed', folder);
      if (there) setXattr({ dirFd: -100, name: bytes(scene.to('closed')) }, there.name, there.value);
      await restore('SKIP', entry);
      expect(fs.readdirSync(scene.to('closed'))).toEqual(['file']);
      expect(scene.notices).toEqual([]);
    });

    it('gets what the point has where the file system keeps no modes', async () => {
      vi.spyOn(fs, 'fchmodSync').mockImplementation(() => undefined);
      isFor(scene.target, rights(0, 0, 0o777));
      make('closed', rights(0, 0, 0o777));
      await restore('SKIP', closed());
      expect(fs.readdirSync(scene.to('closed'))).toEqual(['file']);
      expect(scene.notices).toEqual([]);
    });

    it.each([
      { what: "it is another's now", folder: rights(0, 0, 0o755), left: 0o700 },
      { what: 'its group is another now', folder: rights(OTHER, OTHER, 0o2770), left: 0o2720 },
      { what: 'all may write to it', folder: rights(0, 0, 0o777), left: 0o722 },
    ])('is closed under OVERWRITE also where it keeps its owner: $what', async ({ folder, left }) => {
      isFor(scene.target, rights(0, NOBODY, 0o2775));
      make('closed', folder);
      const writer = scene.open('OVERWRITE');
      const made = writer.root.directory(closed({ uid: OTHER, gid: NOBODY, mode: 0o2770 }));
      expect(stateOf(scene.to('closed'))).toMatchObject({ uid: folder.uid, gid: folder.gid, mode: left });
      await made?.file(someEntry({ name: bytes('file'), size: 7, mode: 0o644 }), () => bytes('content'));
      made?.leave();
      await writer.finish();
      expect(fs.readdirSync(scene.to('closed'))).toEqual(['file']);
      expect(stateOf(scene.to('closed'))).toMatchObject({ uid: folder.uid, gid: folder.gid, mode: left });
      expect(scene.notices).toEqual([expect.stringContaining('closed: owner, mode and times')]);
    });

    it('is closed under OVERWRITE also where an access list opens it', async () => {
      isFor(scene.target, rights(0, 0, 0o777));
      make('closed', rights(0, NOBODY, 0o770));
      setXattr({ dirFd: -100, name: bytes(scene.to('closed')) }, list(7, 7).name, list(7, 7).value);
      await restore('OVERWRITE', closed({ gid: NOBODY, mode: 0o770 }));
      expect(fs.readdirSync(scene.to('closed'))).toEqual(['file']);
      expect(stateOf(scene.to('closed')).mode).toBe(0o720);
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
      isFor(scene.target, rights(0, NOBODY, 0o2775));
      make('closed', rights(0, 0, 0o755));
      const original = fs.fchmodSync;
      vi.spyOn(fs, 'fchmodSync').mockImplementation((fd, mode) => {
        const isOfFolder = fs.readlinkSync(`/proc/self/fd/${fd}`) === scene.to('closed');
        if (isOfFolder && fchmod) fchmod();
        else original(fd, mode);
      });
      await restore('OVERWRITE', closed(over));
      expect(fs.readdirSync(scene.to('closed'))).toEqual([]);
      expect(stateOf(scene.to('closed'))).toMatchObject({ uid: 0, mode: 0o755 });
      expect(scene.notices).toEqual([expect.stringContaining(refusal)]);
    });

    it('is closed before it gets anything under OVERWRITE where a group shares its own folder', async () => {
      isFor(scene.target, rights(NOBODY, NOBODY, 0o775));
      make('closed', rights(NOBODY, NOBODY, 0o775));
      const writer = scene.open('OVERWRITE');
      const made = writer.root.directory(closed({ uid: NOBODY, gid: NOBODY, mode: 0o700 }));
      expect(stateOf(scene.to('closed')).mode & 0o055).toBe(0);
      made?.leave();
      await writer.finish();
      expect(stateOf(scene.to('closed'))).toMatchObject({ uid: NOBODY, mode: 0o700, mtimeMs: 1000.000001 });
      expect(scene.notices).toEqual([]);
    });
  });

  it('keeps its owner and mode as an empty target', async () => {
    isFor(scene.target, rights(0, NOBODY, 0o2775));
    make('theirs', rights(0, 0, 0o700));
    await scene.open('FAIL', { target: bytes(scene.to('theirs')), base: directoryEntry('theirs') }).finish();
    expect(stateOf(scene.to('theirs'))).toMatchObject({ uid: 0, mode: 0o700 });
    expect(scene.notices).toEqual([expect.stringContaining('theirs: owner, mode and times')]);
  });
});
