import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { native } from '../../platform/posix.js';
import { runsAsRoot } from '../../platform/unprivileged.fixture.js';
import { setXattr } from '../../platform/xattrs.js';
import type { FileEntry } from './file-entry.js';
import { LaterWriters, NO_FOLDERS, someEntry } from './restore.fixture.js';
import { type ConflictMode, ConflictProbe } from './restore-conflict.js';
import type { RestoreDirectory } from './restore-directory.js';
import { FileJournal } from './restore-journal.js';
import { RestoreWriter } from './restore-writer.js';

const NOBODY = 65_534;
const WITHOUT_OVERWRITE = ['FAIL', 'SKIP', 'KEEP_BOTH'] as const;
const bytes = (text: string) => Buffer.from(text, 'latin1');
const directoryEntry = (name: string, over: Partial<FileEntry> = {}): FileEntry =>
  someEntry({ name: bytes(name), type: 'directory', mode: 0o777, uid: NOBODY, gid: NOBODY, ...over });
const fileEntry = (name: string, over: Partial<FileEntry> = {}): FileEntry =>
  someEntry({ name: bytes(name), size: 7, ...over });
const content = () => bytes('content');

describe.skipIf(!runsAsRoot)('a restore to a folder of another user', () => {
  let dir: string;
  let target: string;
  let notices: string[];
  const to = (...names: string[]) => path.join(target, ...names);
  const away = () => path.join(dir, 'away');

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-others-'));
    fs.chmodSync(dir, 0o755);
    target = path.join(dir, 'target');
    fs.mkdirSync(target);
    // Something of root's in it, which its owner may move and not read.
    fs.mkdirSync(to('keep'), { mode: 0o700 });
    fs.writeFileSync(to('keep/secret'), 'secret', { mode: 0o644 });
    fs.chownSync(target, NOBODY, NOBODY);
    notices = [];
  });
  afterEach(() => {
    vi.restoreAllMocks();
    fs.rmSync(dir, { recursive: true, force: true });
  });

  const open = (onConflict: ConflictMode, extra: Partial<Parameters<typeof RestoreWriter.open>[0]> = {}) =>
    RestoreWriter.open({
      target: bytes(target),
      onConflict,
      never: NO_FOLDERS,
      onNotice: ({ path: where, message }) => notices.push(`${path.relative(target, where.toString())}: ${message}`),
      ...extra,
    });

  /** One attempt with a journal, which ends in the middle if `tree` leaves its directories open. */
  const attempt = async (onConflict: ConflictMode, tree: (root: RestoreDirectory) => Promise<void>, isLast = false) => {
    const journal = new FileJournal(path.join(dir, 'journal'), 'job');
    const writer = open(onConflict, { journal: () => journal });
    journal.begin(writer.isOurs);
    let isFinished = false;
    try {
      await tree(writer.root);
      isFinished = isLast;
    } finally {
      await (isFinished ? writer.finish() : writer.abandon());
      journal.close();
    }
    return writer.counts;
  };
  const put = (name: string, at: string): void => {
    fs.renameSync(to(at), away());
    fs.renameSync(to(name), to(at));
  };
  const secretIn = (name: string) => {
    const { uid, mode, mtimeMs, ctimeMs } = fs.statSync(to(name, 'secret'));
    const folder = fs.statSync(to(name));
    return { folder: [folder.uid, folder.mode & 0o7777], secret: [uid, mode, mtimeMs, ctimeMs] };
  };

  describe('that goes on', () => {
    it.each(WITHOUT_OVERWRITE)(
      'takes nothing for its own that has the name of what it made, under %s',
      async (mode) => {
        const before = secretIn('keep');
        await attempt(mode, async (root) => {
          root.directory(directoryEntry('made'));
          await root.file(fileEntry('file', { uid: NOBODY, mode: 0o666 }), content);
        });
        put('keep', 'made');
        await attempt(mode, async (root) => root.directory(directoryEntry('made'))?.leave(), true);
        expect(secretIn('made')).toEqual(before);
      },
    );

    it('does not change what others can have put there under OVERWRITE either, and says so', async () => {
      const before = secretIn('keep');
      await attempt('OVERWRITE', async (root) => void root.directory(directoryEntry('made')));
      put('keep', 'made');
      await attempt('OVERWRITE', async (root) => root.directory(directoryEntry('made'))?.leave(), true);
      expect(secretIn('made')).toEqual(before);
      expect(notices).toEqual([expect.stringContaining('made: owner, mode and times')]);
    });

    it.each(WITHOUT_OVERWRITE)('brings to its end what it made, under %s', async (mode) => {
      const tree = async (root: RestoreDirectory, isWhole: boolean) => {
        const made = root.directory(directoryEntry('made'));
        await made?.file(fileEntry('file'), content);
        await root.file(fileEntry('linked', { hardLinkGroup: bytes('/g') }), content);
        await root.special(someEntry({ name: bytes('link'), type: 'symlink', linkTarget: bytes('nowhere') }));
        if (!isWhole) return;
        await made?.file(fileEntry('more', { hardLinkGroup: bytes('/g') }), content);
        made?.leave();
      };
      await attempt(mode, (root) => tree(root, false));
      expect(fs.statSync(to('made')).mode & 0o777).toBe(0o700);
      const counts = await attempt(mode, (root) => tree(root, true), true);
      expect(counts).toMatchObject({ skipped: 0, failed: 0 });
      expect(fs.readdirSync(target)).toEqual(['keep', 'link', 'linked', 'made']);
      expect(fs.readdirSync(to('made'))).toEqual(['file', 'more']);
      expect(fs.statSync(to('made'))).toMatchObject({ uid: NOBODY, mode: 0o040_777 });
      expect(fs.statSync(to('made/more')).ino).toBe(fs.statSync(to('linked')).ino);
    });

    /** A directory that is its owner's by now, with another in it. */
    const finished = async (root: RestoreDirectory, more: readonly string[] = []) => {
      const made = root.directory(directoryEntry('made'));
      const inside = made?.directory(directoryEntry('inside'));
      for (const name of ['file', ...more]) await inside?.file(fileEntry(name), content);
      await inside?.file(fileEntry('linked', { hardLinkGroup: bytes('/g') }), content);
      inside?.leave();
      await made?.file(fileEntry('beside', { hardLinkGroup: bytes('/h') }), content);
      made?.leave();
    };

    it.each(WITHOUT_OVERWRITE)(
      'leaves in a finished directory what is there, and makes what is missing, under %s',
      async (mode) => {
        await attempt(mode, finished);
        const states = ['made/inside', 'made/inside/file', 'made/beside'].map((name) => fs.statSync(to(name)).ctimeMs);
        const { failed, skipped } = await attempt(mode, (root) => finished(root), true);
        expect({ failed, skipped }).toEqual({ failed: 0, skipped: 0 });
        expect(states).toEqual(
          ['made/inside', 'made/inside/file', 'made/beside'].map((name) => fs.statSync(to(name)).ctimeMs),
        );
        await attempt(mode, (root) => finished(root, ['more']), true);
        expect(fs.readdirSync(to('made'))).toEqual(['beside', 'inside']);
        expect(fs.readdirSync(to('made/inside'))).toEqual(['file', 'linked', 'more']);
      },
    );

    it.each(WITHOUT_OVERWRITE)('changes nothing that came into a finished directory, under %s', async (mode) => {
      const before = secretIn('keep');
      await attempt(mode, finished);
      put('keep', 'made/inside');
      const half = fs.openSync(to('made/half'), 'w', 0o200);
      fs.closeSync(half);
      await attempt(mode, (root) => finished(root), true);
      expect(secretIn('made/inside')).toEqual(before);
      expect(fs.statSync(to('made/half'))).toMatchObject({ size: 0, uid: 0 });
    });

    it.each([undefined, new LaterWriters()])(
      'leaves nothing beside what came complete to a finished directory while it was being made',
      async (writers) => {
        await attempt('SKIP', finished);
        const journal = new FileJournal(path.join(dir, 'journal'), 'job');
        const writer = open('SKIP', { journal: () => journal, ...(writers && { writers }) });
        const made = writer.root.directory(directoryEntry('made'));
        for (const [name, over] of [
          ['late', {}],
          ['late-i', { hardLinkGroup: bytes('/i') }],
        ] as const) {
          const outcome = await made?.file(fileEntry(name, over), () => {
            fs.writeFileSync(to('made', name), 'content', { mode: 0o644 });
            fs.utimesSync(to('made', name), 1, 1.000000001);
            return content();
          });
          expect(outcome).toBe('restored');
        }
        await made?.file(fileEntry('linked', { hardLinkGroup: bytes('/i') }), content);
        made?.leave();
        await writer.finish();
        journal.close();
        expect(fs.readdirSync(to('made'))).toEqual(['beside', 'inside', 'late', 'late-i', 'linked']);
        expect(fs.statSync(to('made/late-i')).nlink).toBe(1);
        expect(notices).toEqual([]);
      },
    );

    it('links nothing to a file that only looks like its own', async () => {
      await attempt('SKIP', finished);
      // The owner of the directory puts a file of theirs in the place of one that was made.
      fs.rmSync(to('made/beside'));
      fs.writeFileSync(to('made/beside'), 'hostile', { mode: 0o644 });
      fs.utimesSync(to('made/beside'), 1, 1.000000001);
      fs.chownSync(to('made/beside'), NOBODY, NOBODY);
      await attempt(
        'SKIP',
        async (root) => {
          await finished(root);
          await root.file(fileEntry('other', { hardLinkGroup: bytes('/h') }), content);
        },
        true,
      );
      expect(fs.readFileSync(to('made/beside'), 'utf8')).toBe('hostile');
      expect(fs.readFileSync(to('other'), 'utf8')).toBe('content');
    });

    it('is told by a probe what would be in its way, and that is not what it made', async () => {
      await attempt('FAIL', finished);
      const probe = ConflictProbe.open(bytes(target), () => new FileJournal(path.join(dir, 'journal'), 'job'));
      const made = probe?.directory(directoryEntry('made'));
      const inside = made?.directory(directoryEntry('inside'));
      expect(() => inside?.check(fileEntry('file'))).not.toThrow();
      expect(() => made?.check(fileEntry('beside'))).not.toThrow();
      fs.writeFileSync(to('made/inside/file'), 'changed since');
      expect(() => inside?.check(fileEntry('file'))).toThrow('made/inside/file');
      for (const each of [inside, made, probe]) each?.close();
    });

    it.each([
      {
        what: 'a link that leads elsewhere',
        entry: someEntry({ name: bytes('link'), type: 'symlink', linkTarget: bytes('nowhere') }),
        exchange: (at: string) => fs.symlinkSync('elsewhere', at),
      },
      {
        what: 'another device',
        entry: someEntry({ name: bytes('zero'), type: 'characterDevice', mode: 0o666, device: { major: 1, minor: 5 } }),
        exchange: (at: string) => execFileSync('mknod', ['-m', '666', at, 'c', '1', '3']),
      },
    ])('is told by a probe of $what in a finished folder, as it would find itself', async ({ entry, exchange }) => {
      const withIt = async (root: RestoreDirectory): Promise<void> => {
        const made = root.directory(directoryEntry('made'));
        const inside = made?.directory(directoryEntry('inside'));
        await inside?.special(entry);
        inside?.leave();
        made?.leave();
      };
      await attempt('FAIL', withIt);
      const probed = (): void => {
        const probe = ConflictProbe.open(bytes(target), () => new FileJournal(path.join(dir, 'journal'), 'job'));
        const made = probe?.directory(directoryEntry('made'));
        const inside = made?.directory(directoryEntry('inside'));
        try {
          inside?.check(entry);
        } finally {
          for (const each of [inside, made, probe]) each?.close();
        }
      };
      expect(probed).not.toThrow();
      const at = to('made/inside', entry.name.toString());
      fs.rmSync(at);
      exchange(at);
      fs.lutimesSync(at, 1, 1.000000001);
      expect(probed).toThrow(at);
      await expect(attempt('FAIL', withIt, true)).rejects.toThrow(at);
    });

    it('removes what a killed attempt left, and nothing that only lies where that may be', async () => {
      await attempt('SKIP', async (root) => void root.directory(directoryEntry('made')));
      const { mark } = new FileJournal(path.join(dir, 'journal'), 'job');
      const left = `.holdfast-restore-${mark}0123456789abcdef`;
      fs.mkdirSync(to(`${left}-1`));
      fs.mkdirSync(to(`${left}-1`, `${left}-2`));
      fs.writeFileSync(to(`${left}-1`, `${left}-3`), '');
      fs.renameSync(to('keep'), to(`${left}-4`));
      await attempt('SKIP', async (root) => root.directory(directoryEntry('made'))?.leave(), true);
      expect(fs.readdirSync(target)).toEqual([`${left}-4`, 'made']);
      expect(fs.readdirSync(to(`${left}-4`))).toEqual(['secret']);
    });
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
        fs.renameSync(path.join(where, made), away());
        fs.renameSync(to(name), path.join(where, made));
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
      const found = fs.readdirSync(target).filter((name) => fs.existsSync(to(name, 'secret')));
      return found.map(secretIn);
    };
    const isTemporary = (name: string) => name.startsWith('.holdfast-restore-');

    it('changes the very directory that it made', async () => {
      const before = secretIn('keep');
      exchangeFor('keep', (name) => !isTemporary(name));
      const writer = open('FAIL');
      const made = writer.root.directory(directoryEntry('made'));
      await made?.file(fileEntry('private', { mode: 0o644 }), content);
      expect(fs.readdirSync(away())).toEqual(['private']);
      expect(fs.statSync(away())).toMatchObject({ uid: 0, mode: 0o040_700 });
      made?.leave();
      await writer.finish();
      expect(secrets()).toEqual([before]);
      expect(fs.readdirSync(to('made'))).toEqual(['secret']);
      expect(fs.statSync(away())).toMatchObject({ uid: NOBODY, mode: 0o040_777 });
    });

    it('refuses a directory where what it makes things in was exchanged', async () => {
      const before = secretIn('keep');
      exchangeFor('keep', isTemporary);
      const writer = open('FAIL');
      expect(writer.root.directory(directoryEntry('made'))).toBeUndefined();
      expect((await writer.finish()).failed).toBe(1);
      expect(notices).toEqual(['made: it was exchanged while restoring']);
      expect(secrets()).toEqual([before]);
    });

    it('makes no other there for what is still to come', async () => {
      exchangeFor('keep', isTemporary);
      const writer = open('FAIL');
      writer.root.directory(directoryEntry('made'));
      const temporaries = fs.readdirSync(target);
      expect(writer.root.directory(directoryEntry('more'))).toBeUndefined();
      expect(fs.readdirSync(target)).toEqual(temporaries);
      await writer.finish();
      expect(notices).toEqual(['made', 'more'].map((name) => `${name}: it was exchanged while restoring`));
    });

    it('refuses it also where what came in its place is empty and closed', async () => {
      fs.mkdirSync(to('empty'), { mode: 0o700 });
      await new Promise((resolve) => setTimeout(resolve, 30));
      exchangeFor('empty', isTemporary);
      const writer = open('FAIL');
      expect(writer.root.directory(directoryEntry('made'))).toBeUndefined();
      await writer.finish();
      expect(notices).toEqual(['made: it was exchanged while restoring']);
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
      if (entry.type === 'symlink') fs.symlinkSync('elsewhere', to('other'));
      else fs.writeFileSync(to('other'), 'secret', { mode: 0o600 });
      const stateOf = (at: string) => {
        const { ino, uid, gid, mode, mtimeMs } = fs.lstatSync(at);
        return { ino, uid, gid, mode, mtimeMs };
      };
      const before = stateOf(to('other'));
      // A workshop that is exchanged is refused.
      exchangeFor('other', (name) => !isTemporary(name) || !fs.lstatSync(to(name)).isDirectory());
      const writer = open('FAIL');
      expect(await writer.root.special(entry)).toBe('restored');
      await writer.finish();
      expect(notices).toEqual([]);
      expect(stateOf(to('made'))).toEqual(before);
      expect(fs.readdirSync(target)).toEqual(['keep', 'made']);
      const made = stateOf(away());
      expect(made).toMatchObject({ uid: NOBODY, mtimeMs: 1000.000001 });
      if (entry.type !== 'symlink') expect(made.mode & 0o777).toBe(0o666);
    });
  });

  it.each([undefined, new LaterWriters()])(
    'opens nothing by an access list that the folder hands down later',
    async (writers) => {
      const writer = open('FAIL', writers && { writers });
      const entry = (tag: number, permissions: number, id = 0xffffffff) => {
        const packed = Buffer.alloc(8);
        packed.writeUInt16LE(tag, 0);
        packed.writeUInt16LE(permissions, 2);
        packed.writeUInt32LE(id, 4);
        return packed;
      };
      const list = [entry(1, 7), entry(2, 7, NOBODY), entry(4, 5), entry(16, 7), entry(32, 0)];
      const acl = Buffer.concat([Buffer.from([2, 0, 0, 0]), ...list]);
      setXattr({ pathFd: fs.openSync(target, 'r') }, bytes('system.posix_acl_default'), acl);
      await writer.root.file(fileEntry('private', { mode: 0o640 }), content);
      const made = writer.root.directory(directoryEntry('made', { uid: 0, gid: 0, mode: 0o750 }));
      await made?.file(fileEntry('private', { mode: 0o640 }), content);
      made?.leave();
      await writer.finish();
      const { listXattrs } = await import('../../platform/xattrs.js');
      for (const name of ['private', 'made', 'made/private']) {
        expect(listXattrs({ dirFd: -100, name: bytes(to(name)) }).map(String), name).toEqual([]);
      }
    },
  );

  it('restores nothing into a folder of another user that the point keeps closed', async () => {
    for (const name of ['closed', 'open']) {
      fs.mkdirSync(to(name));
      fs.chownSync(to(name), NOBODY, NOBODY);
    }
    const writer = open('SKIP');
    expect(writer.root.directory(directoryEntry('closed', { uid: 0, mode: 0o700 }))).toBeUndefined();
    for (const over of [{ mode: 0o700 }, { uid: 0, mode: 0o755 }])
      writer.root.directory(directoryEntry('open', over))?.leave();
    await writer.finish();
    expect(notices).toEqual([expect.stringContaining('closed: user 65534 owns the folder that is there')]);
  });

  it('leaves the owner of an empty target that others can have put there', async () => {
    fs.mkdirSync(to('restored'), { mode: 0o700 });
    const base = directoryEntry('restored');
    for (const name of ['restored', 'new']) await open('FAIL', { target: bytes(to(name)), base }).finish();
    expect(fs.statSync(to('restored'))).toMatchObject({ uid: 0, mode: 0o040_700 });
    expect(fs.statSync(to('new'))).toMatchObject({ uid: NOBODY, mode: 0o040_777 });
  });

  it('is not led elsewhere by a link of that user', () => {
    const outside = path.join(dir, 'outside');
    fs.mkdirSync(outside, { mode: 0o700 });
    fs.symlinkSync(outside, to('restored'));
    fs.lchownSync(to('restored'), NOBODY, NOBODY);
    expect(() => open('FAIL', { target: bytes(to('restored')) })).toThrow(to('restored'));
    expect(fs.readdirSync(outside)).toEqual([]);
  });
});
