import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runsAsRoot } from '../../platform/unprivileged.fixture.js';
import { LaterWriters, someEntry } from './restore.fixture.js';
import { ConflictProbe } from './restore-conflict.js';
import type { RestoreDirectory } from './restore-directory.js';
import {
  bytes,
  content,
  directoryEntry,
  FolderOfAnother,
  fileEntry,
  NOBODY,
  WITHOUT_OVERWRITE,
} from './restore-scene.fixture.js';

describe.skipIf(!runsAsRoot)('a restore that goes on in a folder of another user', () => {
  let scene: FolderOfAnother;
  beforeEach(() => {
    scene = new FolderOfAnother();
  });
  afterEach(() => {
    vi.restoreAllMocks();
    scene.remove();
  });

  it.each(WITHOUT_OVERWRITE)('takes nothing for its own that has the name of what it made, under %s', async (mode) => {
    const before = scene.secretIn('keep');
    await scene.attempt(mode, async (root) => {
      root.directory(directoryEntry('made'));
      await root.file(fileEntry('file', { uid: NOBODY, mode: 0o666 }), content);
    });
    scene.put('keep', 'made');
    await scene.attempt(mode, async (root) => root.directory(directoryEntry('made'))?.leave(), true);
    expect(scene.secretIn('made')).toEqual(before);
  });

  it('does not change what others can have put there under OVERWRITE either, and says so', async () => {
    const before = scene.secretIn('keep');
    await scene.attempt('OVERWRITE', async (root) => void root.directory(directoryEntry('made')));
    scene.put('keep', 'made');
    await scene.attempt('OVERWRITE', async (root) => root.directory(directoryEntry('made'))?.leave(), true);
    expect(scene.secretIn('made')).toEqual(before);
    expect(scene.notices).toEqual([expect.stringContaining('made: owner, mode and times')]);
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
    await scene.attempt(mode, (root) => tree(root, false));
    expect(fs.statSync(scene.to('made')).mode & 0o777).toBe(0o700);
    const counts = await scene.attempt(mode, (root) => tree(root, true), true);
    expect(counts).toMatchObject({ skipped: 0, failed: 0 });
    expect(fs.readdirSync(scene.target)).toEqual(['keep', 'link', 'linked', 'made']);
    expect(fs.readdirSync(scene.to('made'))).toEqual(['file', 'more']);
    expect(fs.statSync(scene.to('made'))).toMatchObject({ uid: NOBODY, mode: 0o040_777 });
    expect(fs.statSync(scene.to('made/more')).ino).toBe(fs.statSync(scene.to('linked')).ino);
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
      await scene.attempt(mode, finished);
      const states = ['made/inside', 'made/inside/file', 'made/beside'].map(
        (name) => fs.statSync(scene.to(name)).ctimeMs,
      );
      const { failed, skipped } = await scene.attempt(mode, (root) => finished(root), true);
      expect({ failed, skipped }).toEqual({ failed: 0, skipped: 0 });
      expect(states).toEqual(
        ['made/inside', 'made/inside/file', 'made/beside'].map((name) => fs.statSync(scene.to(name)).ctimeMs),
      );
      await scene.attempt(mode, (root) => finished(root, ['more']), true);
      expect(fs.readdirSync(scene.to('made'))).toEqual(['beside', 'inside']);
      expect(fs.readdirSync(scene.to('made/inside'))).toEqual(['file', 'linked', 'more']);
    },
  );

  it.each(WITHOUT_OVERWRITE)('changes nothing that came into a finished directory, under %s', async (mode) => {
    const before = scene.secretIn('keep');
    await scene.attempt(mode, finished);
    scene.put('keep', 'made/inside');
    const half = fs.openSync(scene.to('made/half'), 'w', 0o200);
    fs.closeSync(half);
    await scene.attempt(mode, (root) => finished(root), true);
    expect(scene.secretIn('made/inside')).toEqual(before);
    expect(fs.statSync(scene.to('made/half'))).toMatchObject({ size: 0, uid: 0 });
  });

  it.each([undefined, new LaterWriters()])(
    'leaves nothing beside what came complete to a finished directory while it was being made',
    async (writers) => {
      await scene.attempt('SKIP', finished);
      const journal = scene.journal();
      const writer = scene.open('SKIP', { journal: () => journal, ...(writers && { writers }) });
      const made = writer.root.directory(directoryEntry('made'));
      for (const [name, over] of [
        ['late', {}],
        ['late-i', { hardLinkGroup: bytes('/i') }],
      ] as const) {
        const outcome = await made?.file(fileEntry(name, over), () => {
          fs.writeFileSync(scene.to('made', name), 'content', { mode: 0o644 });
          fs.utimesSync(scene.to('made', name), 1, 1.000000001);
          return content();
        });
        expect(outcome).toBe('earlier');
      }
      await made?.file(fileEntry('linked', { hardLinkGroup: bytes('/i') }), content);
      made?.leave();
      await writer.finish();
      journal.close();
      expect(fs.readdirSync(scene.to('made'))).toEqual(['beside', 'inside', 'late', 'late-i', 'linked']);
      expect(fs.statSync(scene.to('made/late-i')).nlink).toBe(1);
      expect(scene.notices).toEqual([]);
    },
  );

  it('links nothing to a file that only looks like its own', async () => {
    await scene.attempt('SKIP', finished);
    // The owner of the directory puts a file of theirs in the place of one that was made.
    fs.rmSync(scene.to('made/beside'));
    fs.writeFileSync(scene.to('made/beside'), 'hostile', { mode: 0o644 });
    fs.utimesSync(scene.to('made/beside'), 1, 1.000000001);
    fs.chownSync(scene.to('made/beside'), NOBODY, NOBODY);
    await scene.attempt(
      'SKIP',
      async (root) => {
        await finished(root);
        await root.file(fileEntry('other', { hardLinkGroup: bytes('/h') }), content);
      },
      true,
    );
    expect(fs.readFileSync(scene.to('made/beside'), 'utf8')).toBe('hostile');
    expect(fs.readFileSync(scene.to('other'), 'utf8')).toBe('content');
  });

  it('is told by a probe what would be in its way, and that is not what it made', async () => {
    await scene.attempt('FAIL', finished);
    const probe = ConflictProbe.open(bytes(scene.target), () => scene.journal());
    const made = probe?.directory(directoryEntry('made'));
    const inside = made?.directory(directoryEntry('inside'));
    expect(() => inside?.check(fileEntry('file'))).not.toThrow();
    expect(() => made?.check(fileEntry('beside'))).not.toThrow();
    fs.writeFileSync(scene.to('made/inside/file'), 'changed since');
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
    await scene.attempt('FAIL', withIt);
    const probed = (): void => {
      const probe = ConflictProbe.open(bytes(scene.target), () => scene.journal());
      const made = probe?.directory(directoryEntry('made'));
      const inside = made?.directory(directoryEntry('inside'));
      try {
        inside?.check(entry);
      } finally {
        for (const each of [inside, made, probe]) each?.close();
      }
    };
    expect(probed).not.toThrow();
    const at = scene.to('made/inside', entry.name.toString());
    fs.rmSync(at);
    exchange(at);
    fs.lutimesSync(at, 1, 1.000000001);
    expect(probed).toThrow(at);
    await expect(scene.attempt('FAIL', withIt, true)).rejects.toThrow(at);
  });

  it('removes what a killed attempt left, and nothing that only lies where that may be', async () => {
    await scene.attempt('SKIP', async (root) => void root.directory(directoryEntry('made')));
    const { mark } = scene.journal();
    const left = `.holdfast-restore-${mark}0123456789abcdef`;
    fs.mkdirSync(scene.to(`${left}-1`));
    fs.mkdirSync(scene.to(`${left}-1`, `${left}-2`));
    fs.writeFileSync(scene.to(`${left}-1`, `${left}-3`), '');
    fs.renameSync(scene.to('keep'), scene.to(`${left}-4`));
    await scene.attempt('SKIP', async (root) => root.directory(directoryEntry('made'))?.leave(), true);
    expect(fs.readdirSync(scene.target)).toEqual([`${left}-4`, 'made']);
    expect(fs.readdirSync(scene.to(`${left}-4`))).toEqual(['secret']);
  });
});
