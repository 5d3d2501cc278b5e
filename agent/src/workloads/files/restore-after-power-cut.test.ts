import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runsAsRoot } from '../../platform/unprivileged.fixture.js';
import { NO_FOLDERS, someEntry } from './restore.fixture.js';
import type { ConflictMode } from './restore-conflict.js';
import type { RestoreDirectory } from './restore-directory.js';
import { FileJournal } from './restore-journal.js';
import { RestoreWriter } from './restore-writer.js';

const NOBODY = 65_534;
const OF_NOBODY = { uid: NOBODY, gid: NOBODY };
const CONTENT = Buffer.from('content '.repeat(600));
const bytes = (text: string) => Buffer.from(text, 'latin1');

describe.skipIf(!runsAsRoot)('a restore that goes on in a folder that was handed over to its owner', () => {
  let dir: string;
  let notices: string[];
  const inHome = (name: string) => path.join(dir, 'target/home', name);
  const journalFile = () => path.join(dir, 'journal');

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-power-'));
    notices = [];
  });
  afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

  const attempt = async (onConflict: ConflictMode, isLast = false) => {
    const journal = new FileJournal(journalFile(), 'job');
    const writer = RestoreWriter.open({
      target: bytes(path.join(dir, 'target')),
      onConflict,
      never: NO_FOLDERS,
      onNotice: ({ message }) => notices.push(message),
      journal: () => journal,
    });
    journal.begin(writer.isOurs);
    await restoreInto(writer.root);
    if (isLast) await writer.finish();
    else await writer.abandon();
    journal.close();
    return writer.counts;
  };
  const restoreInto = async (root: RestoreDirectory): Promise<void> => {
    const home = root.directory(someEntry({ name: bytes('home'), type: 'directory', mode: 0o755, ...OF_NOBODY }));
    const file = { size: CONTENT.length, ...OF_NOBODY };
    await home?.file(someEntry({ name: bytes('doc'), ...file }), () => CONTENT);
    await home?.file(someEntry({ name: bytes('other'), ...file }), () => CONTENT);
    const linkTarget = bytes('doc');
    await home?.special(someEntry({ name: bytes('link'), type: 'symlink', linkTarget, ...OF_NOBODY }));
    home?.leave();
  };
  const lose = (name: string, length: number): void => {
    fs.truncateSync(inHome(name), 0);
    fs.truncateSync(inHome(name), length);
    fs.utimesSync(inHome(name), 1, 1.000000001);
  };
  const startAnew = (): void => {
    const journal = fs.readFileSync(journalFile());
    journal.write('another-boot -'.padEnd(50), 'holdfast-restore 2 '.length);
    fs.writeFileSync(journalFile(), journal);
  };

  it.each(['FAIL', 'SKIP', 'KEEP_BOTH', 'OVERWRITE'] as const)(
    'makes again what a power cut can have taken the content of, under %s',
    async (onConflict) => {
      await attempt(onConflict);
      expect(fs.statSync(inHome('doc')).uid).toBe(NOBODY);
      lose('doc', CONTENT.length);
      lose('other', 0);
      startAnew();
      expect(await attempt(onConflict, true)).toMatchObject({ restored: 4, skipped: 0, failed: 0 });
      expect(fs.readdirSync(path.join(dir, 'target/home')).sort()).toEqual(['doc', 'link', 'other']);
      for (const name of ['doc', 'other']) {
        expect(fs.readFileSync(inHome(name)).equals(CONTENT)).toBe(true);
        expect(fs.statSync(inHome(name)).uid).toBe(NOBODY);
      }
      expect(notices).toEqual([]);
    },
  );

  it('leaves what was on the disk before the system was started anew, whatever its owner did with it', async () => {
    await attempt('SKIP');
    fs.chownSync(inHome('doc'), NOBODY, 1234);
    fs.linkSync(inHome('doc'), inHome('second'));
    const { ino } = fs.statSync(inHome('doc'));
    expect(await attempt('SKIP', true)).toMatchObject({ restored: 4, skipped: 0, failed: 0 });
    expect(fs.statSync(inHome('doc'))).toMatchObject({ ino, gid: 1234, nlink: 2 });
    expect(notices).toEqual([`owner ${NOBODY}:${NOBODY}: it has another`]);
  });

  it('leaves what its owner has changed since', async () => {
    await attempt('SKIP');
    fs.writeFileSync(inHome('doc'), 'new words');
    startAnew();
    expect(await attempt('SKIP', true)).toMatchObject({ restored: 3, skipped: 1, failed: 0 });
    expect(fs.readFileSync(inHome('doc'), 'utf8')).toBe('new words');
  });

  it('does not take a link that leads elsewhere for the one that it made', async () => {
    await attempt('SKIP');
    fs.unlinkSync(inHome('link'));
    fs.symlinkSync('/etc', inHome('link'));
    fs.lutimesSync(inHome('link'), 1, 1.000000001);
    expect(await attempt('SKIP', true)).toMatchObject({ restored: 3, skipped: 1 });
    expect(fs.readlinkSync(inHome('link'))).toBe('/etc');
  });
});
