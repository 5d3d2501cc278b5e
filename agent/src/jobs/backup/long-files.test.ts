import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { systemRandom as random } from '@holdfast/core/ids';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PosixError } from '../../platform/posix-error.js';
import { splitIds } from '../ids.js';
import type { JobRun } from '../job-run.js';
import { BackupBench } from '../testing/backup-bench.js';
import { SECTION_BYTES } from './lanes/sections.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const EIO = 5;

let bench: BackupBench;
let image: string;
let target: string;

beforeEach(async () => {
  bench = await BackupBench.create();
  target = join(bench.folder, 'target');
  fs.mkdirSync(bench.source);
  image = join(bench.source, 'image');
});
afterEach(() => bench.remove());

/** A file with data at the places given, and holes between them. */
function write(path: string, size: number, places: ReadonlyArray<readonly [offset: number, bytes: number]>): void {
  const fd = fs.openSync(path, 'w');
  fs.ftruncateSync(fd, size);
  for (const [offset, bytes] of places) fs.writeSync(fd, random.bytes(bytes), 0, bytes, offset);
  fs.closeSync(fd);
}

/** Four sections and a bit, with data before, over and behind where they end. */
function writeImage(): void {
  write(image, 4 * SECTION_BYTES + 5 * MIB, [
    [0, 3 * MIB],
    [SECTION_BYTES - 3 * MIB, 6 * MIB],
    [3 * SECTION_BYTES, 2 * MIB],
    [4 * SECTION_BYTES - 100, 5 * MIB],
  ]);
}

const block = Buffer.alloc(MIB);

/** Of the first `length` bytes. New memory for all of a long file would cost more than the rest of a test. */
function digest(path: string, length = Number.POSITIVE_INFINITY): string {
  const hash = createHash('sha256');
  const fd = fs.openSync(path, 'r');
  for (let at = 0; at < length; ) {
    const got = fs.readSync(fd, block, 0, Math.min(block.length, length - at), at);
    if (got === 0) break;
    hash.update(block.subarray(0, got));
    at += got;
  }
  fs.closeSync(fd);
  return hash.digest('hex');
}

const notices = ({ notices: { kept } }: JobRun) => kept.map(({ kind }) => kind);
const storedChunks = (): number =>
  bench.gateway.packs
    .filter(({ kind }) => kind === 'DATA')
    .flatMap(({ footer }) => footer.frames.flatMap(({ chunkIds }) => splitIds(chunkIds))).length;

async function isRestoredAs(expected: string): Promise<void> {
  await bench.restore(target);
  expect(digest(join(target, 'image'))).toBe(expected);
}

/** What happens when so many sections were begun before. */
function whenSectionIsRead(number: number, happens: () => void): void {
  let seen = 0;
  bench.failRead = (name) => {
    if (name === 'image' && seen++ === number) happens();
    return undefined;
  };
}

describe('a file of several sections', () => {
  it('is read by all lanes, and restored with its holes', async () => {
    writeImage();
    const { run } = await bench.backup();
    expect(bench.opened).toHaveLength(5);
    expect(run.counters).toMatchObject({ files: 1, bytesTotal: 4 * SECTION_BYTES + 5 * MIB, warnings: 0 });
    await isRestoredAs(digest(image));
    expect(fs.statSync(join(target, 'image')).blocks * 512).toBeLessThan(20 * MIB);
  });

  it('has the same chunks however many lanes read it, and whatever lies in holes elsewhere', async () => {
    writeImage();
    bench.lanes = 1;
    await bench.backup();
    const chunks = storedChunks();
    bench.lanes = 3;
    expect((await bench.backup()).run.counters).toMatchObject({ bytesChanged: 0 });
    const fd = fs.openSync(image, 'r+');
    fs.writeSync(fd, random.bytes(10 * KIB), 0, 10 * KIB, 2 * SECTION_BYTES + 5 * MIB);
    fs.closeSync(fd);
    await bench.backup();
    expect(storedChunks()).toBe(chunks + 1);
    await isRestoredAs(digest(image));
  });

  it('comes to an end before most of what was asked for later is begun', async () => {
    writeImage();
    const later = Array.from({ length: 20 }, (_, index) => `later-${index}`);
    for (const name of later) fs.writeFileSync(join(bench.source, name), random.bytes(600 * KIB));
    await bench.backup();
    expect(bench.opened).toHaveLength(25);
    expect(bench.opened.lastIndexOf('image')).toBeLessThan(15);
  });

  it('is the one that was opened when another takes its name meanwhile', async () => {
    writeImage();
    const expected = digest(image);
    const other = join(bench.folder, 'other');
    write(other, 3 * SECTION_BYTES, [[0, MIB]]);
    whenSectionIsRead(2, () => fs.renameSync(other, image));
    const { run } = await bench.backup();
    // Its change time is another since the name is gone.
    expect(notices(run)).toEqual(['CHANGED_WHILE_READ']);
    await isRestoredAs(expected);
  });

  it('is told to have changed when it did between two sections', async () => {
    writeImage();
    whenSectionIsRead(3, () => fs.appendFileSync(image, 'more'));
    const { run } = await bench.backup();
    expect(notices(run)).toEqual(['CHANGED_WHILE_READ']);
    await isRestoredAs(digest(image));
  });

  it.each([0, 1, 3])('is as long as what was got of it when it is cut off while section %i is read', async (number) => {
    writeImage();
    const length = 2 * SECTION_BYTES + MIB;
    whenSectionIsRead(number, () => fs.truncateSync(image, length));
    const { run } = await bench.backup();
    expect(notices(run)).toEqual(['CHANGED_WHILE_READ']);
    await bench.restore(target);
    expect(fs.statSync(join(target, 'image')).size).toBeGreaterThanOrEqual(length);
    expect(digest(join(target, 'image'), length)).toBe(digest(image));
  });

  it.each([SECTION_BYTES - 1, SECTION_BYTES, SECTION_BYTES + 1, 2 * SECTION_BYTES, 2 * SECTION_BYTES + 1])(
    'is restored to its last byte at a length of %i',
    async (size) => {
      write(image, size, [[size - 20 * KIB, 20 * KIB]]);
      const { run } = await bench.backup();
      expect(bench.opened).toHaveLength(Math.ceil(size / SECTION_BYTES));
      expect(run.counters).toMatchObject({ bytesTotal: size, warnings: 0 });
      await isRestoredAs(digest(image));
    },
  );

  it('is the one that has its name when its turn comes', async () => {
    writeImage();
    const late = join(bench.source, 'later');
    for (const name of ['jam', 'kit', 'later']) write(join(bench.source, name), SECTION_BYTES + 1, [[0, MIB]]);
    const other = join(bench.folder, 'other');
    write(other, SECTION_BYTES + 1, [[MIB, MIB]]);
    bench.lanes = 1;
    whenSectionIsRead(0, () => fs.renameSync(other, late));
    await bench.backup();
    await bench.restore(target);
    expect(digest(join(target, 'later'))).toBe(digest(late));
  });

  it('is as unreadable as any of its sections, and leaves no descriptor open', async () => {
    writeImage();
    fs.writeFileSync(join(bench.source, 'other'), 'content');
    const before = fs.readdirSync('/proc/self/fd').length;
    let seen = 0;
    bench.failRead = (name) => (name === 'image' && seen++ === 3 ? new PosixError(EIO, 'read', image) : undefined);
    const { run } = await bench.backup();
    expect(notices(run)).toEqual(['UNREADABLE']);
    expect(run.counters).toMatchObject({ files: 2, warnings: 1 });
    await expect.poll(() => fs.readdirSync('/proc/self/fd').length).toBe(before);
  });

  it('needs few descriptors, however many there are of it', async () => {
    for (let index = 0; index < 150; index++) write(join(bench.source, `file-${index}`), SECTION_BYTES + 1, [[0, 10]]);
    const { outcome, run } = await withDescriptors(60, () => bench.backup());
    expect(outcome.kind).toBe('backup');
    expect(run.counters).toMatchObject({ files: 150, warnings: 0 });
  });

  it('is not left out because the host has no descriptors left: the backup fails with that', async () => {
    writeImage();
    for (const name of ['jam', 'kit', 'later']) write(join(bench.source, name), SECTION_BYTES + 1, [[0, MIB]]);
    bench.lanes = 1;
    const taken: number[] = [];
    bench.failRead = () => {
      try {
        for (;;) taken.push(fs.openSync('/dev/null', 'r'));
      } catch {
        // Now there are none, and whatever is given back is taken the next time.
        return undefined;
      }
    };
    const ended = await withDescriptors(60, () =>
      bench
        .backup()
        .catch((error: unknown) => error)
        .finally(() => {
          // Lanes may go on for a moment after the backup has ended.
          bench.failRead = () => undefined;
          for (const fd of taken) fs.closeSync(fd);
        }),
    );
    expect(ended).toMatchObject({ kind: 'Unavailable', code: 'HOST_EXHAUSTED' });
    expect(taken.length).toBeGreaterThan(0);
    expect(bench.gateway.points).toEqual([]);
  });

  it('and its folders are let go of when the backup fails', async () => {
    writeImage();
    for (let index = 0; index < 50; index++) {
      fs.mkdirSync(join(bench.source, `folder-${index}`));
      fs.writeFileSync(join(bench.source, `folder-${index}`, 'file'), random.bytes(2_000));
    }
    const before = fs.readdirSync('/proc/self/fd').length;
    bench.gateway.faults.beforeQuestion = () => {
      throw new Error('nobody answers');
    };
    await expect(bench.backup()).rejects.toThrow('nobody answers');
    await expect.poll(() => fs.readdirSync('/proc/self/fd').length).toBe(before);
  });
});

/** With so many more open files allowed to this process than it has, as on a host with a low limit. */
async function withDescriptors<T>(more: number, work: () => Promise<T>): Promise<T> {
  const limit = (soft: string): void => {
    execFileSync('prlimit', [`--pid=${process.pid}`, `--nofile=${soft}:`]);
  };
  const [, soft] = /^Max open files\s+(\d+)/m.exec(fs.readFileSync('/proc/self/limits', 'utf8')) ?? [];
  limit(String(Math.max(...fs.readdirSync('/proc/self/fd').map(Number)) + more));
  try {
    return await work();
  } finally {
    limit(String(soft));
  }
}
