import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { joinNanoseconds } from '../platform/nanoseconds.js';
import { native } from '../platform/posix.js';
import { runsAsRoot } from '../platform/unprivileged.fixture.js';
import { JobRun } from './job-run.js';
import { BackupBench, describeFolder } from './testing/backup-bench.js';
import { fillSample } from './testing/sample-tree.js';

let bench: BackupBench;
let target: string;
const inSource = (...names: string[]) => join(bench.source, ...names);
const inTarget = (...names: string[]) => join(target, ...names);
const OF_OTHERS = 'of somebody else';

beforeEach(async () => {
  bench = await BackupBench.create();
  target = join(bench.folder, 'target');
  mkdirSync(bench.source);
  fillSample(bench.source);
  chmodSync(inSource('a'), 0o2750);
  for (const name of ['c', 'd']) linkSync(inSource('a/small-3'), inSource(name));
  utimesSync(inSource('a'), 1_500_000_000, 1_500_000_000);
  await bench.backup();
});
afterEach(() => bench.remove());

type Modes = 'FAIL' | 'SKIP' | 'KEEP_BOTH' | 'OVERWRITE';

/** An attempt that ends in the middle. */
async function begin(run: JobRun, onConflict: Modes): Promise<void> {
  let frames = 0;
  const frameKey = bench.gateway.frameKey.bind(bench.gateway);
  const spy = vi.spyOn(bench.gateway, 'frameKey').mockImplementation(async (copy) => {
    if (frames++ < 3) return frameKey(copy);
    run.stop('the agent stops');
    throw run.signal.reason;
  });
  await expect(bench.restore(target, { onConflict }, undefined, run)).rejects.toThrow();
  spy.mockRestore();
  expect(readdirSync(target)).toContain('a');
}

/** What one that was killed leaves besides: a folder without its metadata, and half a file under a name that this attempt gave. */
function leaveHalf(): void {
  chmodSync(inTarget('a'), 0o700);
  const [journal] = readdirSync(bench.journalFolder);
  for (const at of ['.', 'a'])
    writeFileSync(inTarget(at, `.holdfast-restore-${journal}-0123456789abcdef-7`), 'half of someth');
}

const nextAttempt = ({ job }: JobRun): JobRun => new JobRun({ ...job, epoch: job.epoch + 1n });

/** Without what was there before. */
function described(folder: string, but: readonly string[] = []): Record<string, string> {
  const entries = describeFolder(folder);
  for (const name of but) delete entries[name];
  return entries;
}

it.skipIf(!runsAsRoot)('a restore removes what an attempt before it left beside its target', async () => {
  const theirs = join(bench.folder, 'theirs');
  mkdirSync(theirs);
  chownSync(theirs, 65_534, 65_534);
  target = join(theirs, 'target');
  const made: string[] = [];
  const { mkdirat } = native();
  const spy = vi.spyOn(native(), 'mkdirat').mockImplementation((dirFd, name, mode) => {
    made.push((name as Buffer).toString().replace('\0', ''));
    return mkdirat(dirFd, name, mode);
  });
  await bench.restore(target);
  spy.mockRestore();
  rmSync(target, { recursive: true });
  mkdirSync(join(theirs, made[0] as string));
  await bench.restore(target);
  expect(readdirSync(theirs)).toEqual(['target']);
});

describe.each(['FAIL', 'SKIP', 'KEEP_BOTH', 'OVERWRITE'] as const)(
  'a restore that is taken up again under %s',
  (onConflict) => {
    const goOn = (run: JobRun) => bench.restore(target, { onConflict }, undefined, run);

    it('finds in a folder that was new what it made itself, and brings it to its end', async () => {
      const run = bench.newRun();
      await begin(run, onConflict);
      leaveHalf();
      await goOn(nextAttempt(run));
      expect(describeFolder(target)).toEqual(describeFolder(bench.source));
      // Now it is done, and whoever restores again meets what is there.
      if (onConflict === 'FAIL') await expect(goOn(bench.newRun())).rejects.toMatchObject({ kind: 'Conflict' });
      expect(describeFolder(target)).toEqual(describeFolder(bench.source));
    });

    it('counts as restored what an attempt before it restored', async () => {
      const whole = await bench.restore(join(bench.folder, 'elsewhere'), { onConflict });
      const run = bench.newRun();
      await begin(run, onConflict);
      const again = nextAttempt(run);
      await goOn(again);
      expect(again.counters).toEqual(whole.run.counters);
      const oncemore = nextAttempt(again);
      await goOn(oncemore);
      expect(oncemore.counters).toEqual(whole.run.counters);
    });

    it('finds it in a folder that had something before', async () => {
      mkdirSync(target, { mode: 0o711 });
      writeFileSync(inTarget('before'), OF_OTHERS);
      const run = bench.newRun();
      await begin(run, onConflict);
      leaveHalf();
      await goOn(nextAttempt(run));
      const but = ['before', '.'];
      expect(described(target, but)).toEqual(described(bench.source, but));
      expect(readFileSync(inTarget('before'), 'utf8')).toBe(OF_OTHERS);
      if (onConflict !== 'OVERWRITE') expect(statSync(target).mode & 0o777).toBe(0o711);
    });

    it('finds what another restore of the same point left there', async () => {
      await begin(bench.newRun(), onConflict);
      chmodSync(inTarget('a'), 0o700);
      await goOn(bench.newRun());
      expect(describeFolder(target)).toEqual(describeFolder(bench.source));
    });

    it('finds everything when its end was lost on the way to the server', async () => {
      const run = bench.newRun();
      await goOn(run);
      await goOn(nextAttempt(run));
      expect(describeFolder(target)).toEqual(describeFolder(bench.source));
    });

    it('takes nothing for its own that somebody changed or made meanwhile, also not where the folder was new', async () => {
      const run = bench.newRun();
      await begin(run, onConflict);
      writeFileSync(inTarget('a/small-10'), OF_OTHERS);
      writeFileSync(inTarget('sparse'), OF_OTHERS);
      const again = goOn(nextAttempt(run));
      if (onConflict === 'FAIL') await expect(again).rejects.toMatchObject({ code: 'RESTORE_CONFLICT' });
      else await again;
      if (onConflict !== 'OVERWRITE') expect(readFileSync(inTarget('a/small-10'), 'utf8')).toBe(OF_OTHERS);
      if (onConflict !== 'OVERWRITE') expect(readFileSync(inTarget('sparse'), 'utf8')).toBe(OF_OTHERS);
    });

    it('takes nothing for its own that somebody changed meanwhile', async () => {
      const run = bench.newRun();
      await begin(run, onConflict);
      for (const name of ['small-10', 'small-11']) writeFileSync(inTarget('a', name), OF_OTHERS);
      const again = goOn(bench.newRun());
      if (onConflict === 'FAIL') {
        await expect(again).rejects.toMatchObject({ code: 'RESTORE_CONFLICT' });
        return;
      }
      await again;
      if (onConflict !== 'OVERWRITE') expect(readFileSync(inTarget('a/small-10'), 'utf8')).toBe(OF_OTHERS);
      if (onConflict === 'KEEP_BOTH') {
        expect(readdirSync(target, { recursive: true }).filter((name) => String(name).includes('(restored'))).toEqual([
          'a/small-10 (restored)',
          'a/small-11 (restored)',
        ]);
        expect(readFileSync(inTarget('a/small-10 (restored)'))).toEqual(readFileSync(inSource('a/small-10')));
      }
    });

    it('takes nothing for its own in a folder that came in the place of the target', async () => {
      const run = bench.newRun();
      await begin(run, onConflict);
      rmSync(target, { recursive: true });
      mkdirSync(inTarget('a'), { recursive: true });
      writeFileSync(inTarget('a/small-7'), OF_OTHERS);
      const again = goOn(nextAttempt(run));
      if (onConflict === 'FAIL') await expect(again).rejects.toMatchObject({ code: 'RESTORE_CONFLICT' });
      else await again;
      if (onConflict !== 'OVERWRITE') expect(readFileSync(inTarget('a/small-7'), 'utf8')).toBe(OF_OTHERS);
    });

    it('takes nothing for its own in a folder that comes in the place of the target while it looks', async () => {
      const run = bench.newRun();
      await begin(run, onConflict);
      const other = join(bench.folder, 'other');
      mkdirSync(join(other, 'a'), { recursive: true });
      writeFileSync(join(other, 'a/small-7'), OF_OTHERS);
      // Whatever is asked about the path, something else is there right afterwards.
      const of = bench.journals.of.bind(bench.journals);
      let asked = 0;
      vi.spyOn(bench.journals, 'of').mockImplementation((restore, opened) => {
        const known = of(restore, opened);
        if (asked++ === 0) {
          renameSync(target, join(bench.folder, 'away'));
          renameSync(other, target);
        }
        return known;
      });
      const again = goOn(nextAttempt(run));
      if (onConflict === 'FAIL') await expect(again).rejects.toMatchObject({ code: 'RESTORE_CONFLICT' });
      else await again;
      expect(readFileSync(inTarget('a/small-7'), 'utf8')).toBe(OF_OTHERS);
    });
  },
);

it('replaces what it made when the system was started anew since, for its content may be lost', async () => {
  mkdirSync(target);
  writeFileSync(inTarget('before'), OF_OTHERS);
  const run = bench.newRun();
  await begin(run, 'FAIL');
  for (const name of readdirSync(bench.journalFolder)) {
    const file = join(bench.journalFolder, name);
    const journal = readFileSync(file);
    journal.write('another-boot -'.padEnd(50), 'holdfast-restore 2 '.length);
    writeFileSync(file, journal);
  }
  const time = statSync(inTarget('a/small-10'), { bigint: true }).mtimeNs;
  expect(time).toBe(joinNanoseconds(1_600_000_000n, 250_000_000));
  writeFileSync(inTarget('a/small-10'), '');
  utimesSync(inTarget('a/small-10'), 1_600_000_000, 1_600_000_000.25);
  await bench.restore(target, { onConflict: 'FAIL' }, undefined, nextAttempt(run));
  expect(described(target, ['before', '.'])).toEqual(described(bench.source, ['before', '.']));
});

it('replaces what it made when the system could not flush it', async () => {
  const run = bench.newRun();
  await begin(run, 'SKIP');
  const inode = statSync(inTarget('a/small-10')).ino;
  bench.journals.of(bench.restoreCommand(run, target), Buffer.from(target)).distrust();
  await bench.restore(target, { onConflict: 'SKIP' }, undefined, nextAttempt(run));
  expect(statSync(inTarget('a/small-10')).ino).not.toBe(inode);
  expect(describeFolder(target)).toEqual(describeFolder(bench.source));
});

it('does not write again what is complete', async () => {
  const run = bench.newRun();
  await begin(run, 'SKIP');
  const inode = statSync(inTarget('a/small-10')).ino;
  const again = nextAttempt(run);
  await bench.restore(target, { onConflict: 'SKIP' }, undefined, again);
  expect(statSync(inTarget('a/small-10')).ino).toBe(inode);
  expect(again.counters.entriesSkipped).toBe(0);
});
