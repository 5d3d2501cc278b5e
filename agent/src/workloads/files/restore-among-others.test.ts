import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { native } from '../../platform/posix.js';
import { runsAsRoot } from '../../platform/unprivileged.fixture.js';
import { setXattr } from '../../platform/xattrs.js';
import { LaterWriters, someEntry } from './restore.fixture.js';
import {
  accessList,
  bytes,
  content,
  directoryEntry,
  FolderOfAnother,
  fileEntry,
  NOBODY,
} from './restore-scene.fixture.js';

describe.skipIf(!runsAsRoot)('a restore to a folder of another user', () => {
  let scene: FolderOfAnother;
  beforeEach(() => {
    scene = new FolderOfAnother();
  });
  afterEach(() => {
    vi.restoreAllMocks();
    scene.remove();
  });

  describe('whose owner exchanges what is made for something of root', () => {
    /** As its owner can: in directories that are theirs, and only there. */
    const exchangeFor = (name: string, when: (made: string) => boolean): void => {
      let isDone = false;
      const afterNaming = (dirFd: number, made: string): void => {
        const where = fs.readlinkSync(`/proc/self/fd/${dirFd}`);
        if (
          isDone ||
          fs.fstatSync(dirFd).uid !== NOBODY ||
          !fs.lstatSync(path.join(where, made), { throwIfNoEntry: false }) ||
          !when(made)
        )
          return;
        isDone = true;
        fs.renameSync(path.join(where, made), scene.away);
        fs.renameSync(scene.to(name), path.join(where, made));
      };
      // Each with the places of the directory and of the name among its arguments.
      const calls = { mkdirat: [0, 1], symlinkat: [1, 2], mknodat: [1, 2], renameat2: [3, 4] } as const;
      for (const [call, [dirAt, nameAt]] of Object.entries(calls)) {
        const hooked = call as keyof typeof calls;
        const original = native()[hooked];
        vi.spyOn(native(), hooked).mockImplementation((...args) => {
          const result = original(...args);
          afterNaming(args[dirAt] as number, (args[nameAt] as Buffer).toString().replace('\0', ''));
          return result;
        });
      }
    };
    const secrets = (): unknown[] => {
      const found = fs.readdirSync(scene.target).filter((name) => fs.existsSync(scene.to(name, 'secret')));
      return found.map((name) => scene.secretIn(name));
    };
    const isTemporary = (name: string) => name.startsWith('.holdfast-restore-');

    it('changes the very directory that it made', async () => {
      const before = scene.secretIn('keep');
      exchangeFor('keep', (name) => !isTemporary(name));
      const writer = scene.open('FAIL');
      const made = writer.root.directory(directoryEntry('made'));
      await made?.file(fileEntry('private', { mode: 0o644 }), content);
      expect(fs.readdirSync(scene.away)).toEqual(['private']);
      expect(fs.statSync(scene.away)).toMatchObject({ uid: 0, mode: 0o040_700 });
      made?.leave();
      await writer.finish();
      expect(secrets()).toEqual([before]);
      expect(fs.readdirSync(scene.to('made'))).toEqual(['secret']);
      expect(fs.statSync(scene.away)).toMatchObject({ uid: NOBODY, mode: 0o040_777 });
    });

    it('refuses a directory where what it makes things in was exchanged', async () => {
      const before = scene.secretIn('keep');
      exchangeFor('keep', isTemporary);
      const writer = scene.open('FAIL');
      expect(writer.root.directory(directoryEntry('made'))).toBeUndefined();
      expect((await writer.finish()).failed).toBe(1);
      expect(scene.notices).toEqual(['made: it was exchanged while restoring']);
      expect(secrets()).toEqual([before]);
    });

    it('makes no other there for what is still to come', async () => {
      exchangeFor('keep', isTemporary);
      const writer = scene.open('FAIL');
      writer.root.directory(directoryEntry('made'));
      const temporaries = fs.readdirSync(scene.target);
      expect(writer.root.directory(directoryEntry('more'))).toBeUndefined();
      expect(fs.readdirSync(scene.target)).toEqual(temporaries);
      await writer.finish();
      expect(scene.notices).toEqual(['made', 'more'].map((name) => `${name}: it was exchanged while restoring`));
    });

    it('refuses it also where what came in its place is empty and closed', async () => {
      fs.mkdirSync(scene.to('empty'), { mode: 0o700 });
      await new Promise((resolve) => setTimeout(resolve, 30));
      exchangeFor('empty', isTemporary);
      const writer = scene.open('FAIL');
      expect(writer.root.directory(directoryEntry('made'))).toBeUndefined();
      await writer.finish();
      expect(scene.notices).toEqual(['made: it was exchanged while restoring']);
    });

    it.each([
      someEntry({ name: bytes('made'), type: 'symlink', linkTarget: bytes('x'), uid: NOBODY }),
      someEntry({ name: bytes('made'), type: 'fifo', uid: NOBODY, mode: 0o666 }),
      someEntry({
        name: bytes('made'),
        type: 'characterDevice',
        device: { major: 1, minor: 3 },
        uid: NOBODY,
        mode: 0o666,
      }),
    ])('changes the very $type that it made', async (entry) => {
      if (entry.type === 'symlink') fs.symlinkSync('elsewhere', scene.to('other'));
      else fs.writeFileSync(scene.to('other'), 'secret', { mode: 0o600 });
      const stateOf = (at: string) => {
        const { ino, uid, gid, mode, mtimeMs } = fs.lstatSync(at);
        return { ino, uid, gid, mode, mtimeMs };
      };
      const before = stateOf(scene.to('other'));
      // A workshop that is exchanged is refused.
      exchangeFor('other', (name) => !isTemporary(name) || !fs.lstatSync(scene.to(name)).isDirectory());
      const writer = scene.open('FAIL');
      expect(await writer.root.special(entry)).toBe('restored');
      await writer.finish();
      expect(scene.notices).toEqual([]);
      expect(stateOf(scene.to('made'))).toEqual(before);
      expect(fs.readdirSync(scene.target)).toEqual(['keep', 'made']);
      const made = stateOf(scene.away);
      expect(made).toMatchObject({ uid: NOBODY, mtimeMs: 1000.000001 });
      if (entry.type !== 'symlink') expect(made.mode & 0o777).toBe(0o666);
    });
  });

  it.each([undefined, new LaterWriters()])(
    'opens nothing by an access list that the folder hands down later',
    async (writers) => {
      const writer = scene.open('FAIL', writers && { writers });
      const acl = accessList(NOBODY, { theirs: 7, group: 5, others: 0 });
      setXattr({ pathFd: fs.openSync(scene.target, 'r') }, bytes('system.posix_acl_default'), acl);
      await writer.root.file(fileEntry('private', { mode: 0o640 }), content);
      const made = writer.root.directory(directoryEntry('made', { uid: 0, gid: 0, mode: 0o750 }));
      await made?.file(fileEntry('private', { mode: 0o640 }), content);
      made?.leave();
      await writer.finish();
      const { listXattrs } = await import('../../platform/xattrs.js');
      for (const name of ['private', 'made', 'made/private']) {
        expect(listXattrs({ dirFd: -100, name: bytes(scene.to(name)) }).map(String), name).toEqual([]);
      }
    },
  );

  it('restores nothing into a folder of another user that the point keeps closed', async () => {
    for (const name of ['closed', 'open']) {
      fs.mkdirSync(scene.to(name));
      fs.chownSync(scene.to(name), NOBODY, NOBODY);
    }
    const writer = scene.open('SKIP');
    expect(writer.root.directory(directoryEntry('closed', { uid: 0, mode: 0o700 }))).toBeUndefined();
    for (const over of [{ mode: 0o700 }, { uid: 0, mode: 0o755 }])
      writer.root.directory(directoryEntry('open', over))?.leave();
    await writer.finish();
    expect(scene.notices).toEqual([expect.stringContaining('closed: user 65534 owns the folder that is there')]);
  });

  it('leaves the owner of an empty target that others can have put there', async () => {
    fs.mkdirSync(scene.to('restored'), { mode: 0o700 });
    const base = directoryEntry('restored');
    for (const name of ['restored', 'new']) await scene.open('FAIL', { target: bytes(scene.to(name)), base }).finish();
    expect(fs.statSync(scene.to('restored'))).toMatchObject({ uid: 0, mode: 0o040_700 });
    expect(fs.statSync(scene.to('new'))).toMatchObject({ uid: NOBODY, mode: 0o040_777 });
  });

  it('is not led elsewhere by a link of that user', () => {
    const outside = path.join(scene.dir, 'outside');
    fs.mkdirSync(outside, { mode: 0o700 });
    fs.symlinkSync(outside, scene.to('restored'));
    fs.lchownSync(scene.to('restored'), NOBODY, NOBODY);
    expect(() => scene.open('FAIL', { target: bytes(scene.to('restored')) })).toThrow(scene.to('restored'));
    expect(fs.readdirSync(outside)).toEqual([]);
  });
});
