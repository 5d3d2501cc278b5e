import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { statAt } from '../../platform/file-status.js';
import { AT_FDCWD } from '../../platform/posix.js';
import { someEntry } from './restore.fixture.js';
import { FileJournal, JournalledDirectory, type Standing } from './restore-journal.js';

const bytes = (text: string) => Buffer.from(text, 'latin1');

describe.skipIf(process.platform !== 'linux')('the journal of a restore', () => {
  let folder: string;
  let file: string;
  const entry = someEntry({ name: bytes('name'), size: 7 });
  const directory = someEntry({ name: bytes('name'), type: 'directory' });
  const onDisk = () => statAt(AT_FDCWD, bytes(path.join(folder, 'made')));
  const inDirectory = (journal: FileJournal, standing: Standing = 'foreign') =>
    new JournalledDirectory(journal, bytes(''), standing);
  /** Of many paths, those that a later attempt finds complete. */
  const known = (paths: readonly string[], jobId = 'job'): string[] => {
    const directory = inDirectory(new FileJournal(file, jobId));
    return paths.filter((name) => directory.find(bytes(name), onDisk(), entry) === 'complete');
  };
  const write = (paths: readonly string[], ownsTarget = false, jobId = 'job'): void => {
    const journal = new FileJournal(file, jobId);
    journal.begin(ownsTarget);
    for (const name of paths) journal.willName(bytes(name), onDisk());
    journal.close();
  };

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-journal-'));
    file = path.join(folder, 'journal');
    fs.writeFileSync(path.join(folder, 'made'), 'content', { mode: entry.mode });
    fs.utimesSync(path.join(folder, 'made'), 1, 1.000000001);
  });
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  it('tells later attempts what earlier ones made, and nothing else', () => {
    const first = Array.from({ length: 3_000 }, (_, index) => `folder/file-${index}`);
    const second = Array.from({ length: 50 }, (_, index) => `folder/other-${index}`);
    const strangers = Array.from({ length: 3_000 }, (_, index) => `folder/strange-${index}`);
    expect(known(first)).toEqual([]);
    write(first);
    write(second);
    expect(known([...first, ...second, ...strangers])).toEqual([...first, ...second]);
  });

  it('does not take what this attempt makes for the work of an earlier one', () => {
    const journal = new FileJournal(file, 'job');
    journal.begin(false);
    journal.willName(bytes('a'), onDisk());
    expect(known(['a'])).toEqual(['a']);
    expect(inDirectory(journal).find(bytes('a'), onDisk(), entry)).toBeUndefined();
    expect(inDirectory(journal, 'held').find(bytes('a'), onDisk(), entry)).toBeUndefined();
    journal.close();
  });

  it('needs no record of what lies in a directory that the restore holds but of links, and knows it all the same', () => {
    const journal = new FileJournal(file, 'job');
    journal.begin(false);
    journal.close();
    const linked = { hardLinkGroup: bytes('/g') };
    const again = new FileJournal(file, 'job');
    const needs = (standing: Standing) => [{}, linked].map((each) => inDirectory(again, standing).needsRecord(each));
    expect([needs('held'), needs('finished'), needs('foreign')]).toEqual([
      [false, true],
      [true, true],
      [true, true],
    ]);
    expect(inDirectory(again, 'held').find(bytes('anything'), onDisk(), entry)).toBe('complete');
    expect(inDirectory(again, 'held').find(bytes('anything'), { ...onDisk(), size: 9 }, entry)).toBeUndefined();
    expect(inDirectory(again, 'foreign').find(bytes('anything'), onDisk(), entry)).toBeUndefined();
  });

  it.each([
    ['device', { dev: 1 }],
    ['inode', { ino: 1n }],
    ['birth', { birthNs: 1n }],
    ['no known birth', { birthNs: undefined }],
  ] as const)('does not take for its own what has the path and another identity: %s', (_, other) => {
    write(['name']);
    const journal = inDirectory(new FileJournal(file, 'job'));
    expect(journal.wasMade(bytes('name'), onDisk())).toBe(true);
    expect(journal.wasMade(bytes('name'), { ...onDisk(), ...other })).toBe(false);
    expect(journal.find(bytes('name'), { ...onDisk(), ...other }, entry)).toBeUndefined();
  });

  it('lets stay what fits in a directory that was finished, and takes only what has its record for its own', () => {
    write(['made']);
    const journal = new FileJournal(file, 'job');
    const finished = inDirectory(journal, 'finished');
    expect([finished.wasMade(bytes('made'), onDisk()), finished.wasMade(bytes('fits'), onDisk())]).toEqual([
      true,
      false,
    ]);
    expect(finished.find(bytes('fits'), onDisk(), entry)).toBe('complete');
    expect(finished.find(bytes('fits'), { ...onDisk(), size: 9 }, entry)).toBeUndefined();
    journal.distrust();
    const unsure = inDirectory(new FileJournal(file, 'job'), 'finished');
    expect(unsure.find(bytes('made'), onDisk(), entry)).toBe('made');
    expect(unsure.find(bytes('fits'), onDisk(), entry)).toBe('made');
    expect(unsure.find(bytes('fits'), { ...onDisk(), size: 0 }, entry)).toBe('made');
    expect(unsure.find(bytes('fits'), { ...onDisk(), mtimeNs: 5n }, entry)).toBeUndefined();
  });

  it('tells a directory from a file that had its name', () => {
    write(['name']);
    const journal = inDirectory(new FileJournal(file, 'job'));
    expect(journal.find(bytes('name'), { ...onDisk(), type: 'directory' }, directory)).toBeUndefined();
    expect(journal.find(bytes('name'), { ...onDisk(), type: 'directory' }, entry)).toBeUndefined();
  });

  it.each([
    ['size', { size: 8 }],
    ['time', { mtimeNs: 1_000_000_002n }],
    ['mode', { mode: 0o600 }],
  ] as const)('does not take a file of another %s for its own', (_, changed) => {
    write(['name']);
    const journal = inDirectory(new FileJournal(file, 'job'));
    expect(journal.find(bytes('name'), onDisk(), entry)).toBe('complete');
    expect(journal.find(bytes('name'), { ...onDisk(), ...changed }, entry)).toBeUndefined();
  });

  it.each([
    ['seconds', 1_000_000_000n, true],
    ['two seconds', 0n, true],
    ['another second', 2_000_000_000n, false],
    ['a moment later', 1_000_000_002n, false],
  ] as const)('knows a file whose time was cut by its file system: %s', (_, mtimeNs, isKnown) => {
    write(['name']);
    const status = { ...onDisk(), mtimeNs };
    const later = { ...entry, mtimeNs: 1_000_000_001n };
    const found = inDirectory(new FileJournal(file, 'job')).find(bytes('name'), status, later);
    expect(found).toBe(isKnown ? 'complete' : undefined);
  });

  it('is for the job that ended well, and for nobody else', () => {
    write(['a'], true);
    const journal = new FileJournal(file, 'job');
    journal.end();
    expect(known(['a'])).toEqual(['a']);
    expect(known(['a'], 'another')).toEqual([]);
    expect(new FileJournal(file, 'another').continues).toBe(false);
    write(['b'], false, 'another');
    expect([known(['a', 'b']), known(['a', 'b'], 'another')]).toEqual([['b'], ['b']]);
  });

  it('does not trust what the system could not flush', () => {
    write(['a']);
    const journal = new FileJournal(file, 'job');
    journal.begin(false);
    journal.distrust();
    journal.close();
    expect(inDirectory(new FileJournal(file, 'job')).find(bytes('a'), onDisk(), entry)).toBe('made');
    expect(inDirectory(new FileJournal(file, 'job')).find(bytes('a'), { ...onDisk(), size: 3 }, entry)).toBe('made');
  });

  it('knows after a restart of the system what was flushed before, until more is made', () => {
    const boot = () => fs.readFileSync(file, 'latin1').split(' ')[2];
    write(['a']);
    const running = boot();
    const journal = new FileJournal(file, 'job');
    journal.begin(false);
    journal.flushed();
    journal.close();
    expect(boot()).toBe('flushed');
    const next = new FileJournal(file, 'job');
    expect([next.isUnsure, inDirectory(next, 'finished').find(bytes('a'), onDisk(), entry)]).toEqual([
      false,
      'complete',
    ]);
    next.begin(false);
    expect(boot()).toBe(running);
    next.distrust();
    next.flushed();
    expect(boot()).toBe('unsure');
    next.close();
    const unsure = new FileJournal(file, 'job');
    unsure.begin(false);
    // Not everything that is unsure need have been made again.
    unsure.flushed();
    unsure.close();
    expect(new FileJournal(file, 'job').isUnsure).toBe(true);
  });

  it.each([
    ['owner', { uid: 7 }],
    ['group', { gid: 7 }],
    ['number of names', { nlink: 2 }],
  ] as const)('leaves in a finished directory what has another %s by now, however unsure its content', (_, other) => {
    write(['made']);
    const journal = new FileJournal(file, 'job');
    journal.distrust();
    const unsure = inDirectory(new FileJournal(file, 'job'), 'finished');
    const mine = { ...onDisk(), uid: 6, gid: 6 };
    const theirs = { ...entry, uid: 6, gid: 6 };
    expect(unsure.find(bytes('fits'), mine, theirs)).toBe('made');
    expect(unsure.find(bytes('fits'), { ...mine, ...other }, theirs)).toBeUndefined();
  });

  it('replaces a file that was never completed, in a directory that the restore made and nowhere else', () => {
    write(['name']);
    const half = { ...onDisk(), size: 3, mode: 0o200, mtimeNs: 5n };
    const journal = new FileJournal(file, 'job');
    expect(inDirectory(journal, 'held').find(bytes('name'), half, entry)).toBe('made');
    expect(inDirectory(journal, 'held').find(bytes('name'), { ...half, mode: 0o600 }, entry)).toBeUndefined();
    for (const standing of ['finished', 'foreign'] as const)
      expect(inDirectory(journal, standing).find(bytes('name'), half, entry)).toBeUndefined();
  });

  it('knows the target as its own where it was told so', () => {
    const owns = () => new FileJournal(file, 'another').ownsTarget;
    write(['a'], true);
    expect(owns()).toBe(true);
    fs.rmSync(file);
    write(['a'], false);
    expect(owns()).toBe(false);
  });

  it('knows nothing from a file that is none, and begins it anew', () => {
    for (const content of ['', 'x', 'x'.repeat(500), 'holdfast-restore 1 boot -'.padEnd(128, ' ')]) {
      fs.writeFileSync(file, content);
      expect(new FileJournal(file, 'job').continues).toBe(false);
      expect(known(['a'])).toEqual([]);
      write(['a']);
      expect(known(['a', 'b'])).toEqual(['a']);
    }
  });

  it('knows what was whole in a file that ends amid a path', () => {
    write(['a', 'b', 'c']);
    fs.truncateSync(file, fs.statSync(file).size - 3);
    expect(known(['a', 'b', 'c'])).toEqual(['a', 'b']);
    write(['d']);
    expect(known(['a', 'b', 'c', 'd'])).toEqual(['a', 'b', 'd']);
  });

  it('is not kept where it cannot be, and the restore goes on', () => {
    const journal = new FileJournal(path.join(folder, 'nowhere', 'journal'), 'job');
    journal.begin(true);
    journal.willName(bytes('a'), onDisk());
    journal.end();
    journal.close();
    expect(fs.readdirSync(folder)).toEqual(['made']);
  });
});
