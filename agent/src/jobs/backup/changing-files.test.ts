import { appendFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobRun } from '../job-run.js';
import { BackupBench } from '../testing/backup-bench.js';

let bench: BackupBench;
let target: string;

beforeEach(async () => {
  bench = await BackupBench.create();
  target = join(bench.folder, 'target');
  mkdirSync(bench.source);
  for (const name of ['first', 'second', 'third']) writeFileSync(inSource(name), `content of ${name}`);
  // The change time cannot be set: a stamp counts once it is older than the clock's tick.
  await sleep(60);
});
afterEach(() => bench.remove());

const inSource = (name: string): string => join(bench.source, name);
const notices = ({ notices: { kept } }: JobRun) => kept.map(({ path, kind }) => [path.toString(), kind]);

/** What happens once, when the file of this name was opened and nothing of it is read yet. */
function whenOpened(name: string, happens: () => void): void {
  bench.failRead = (opened) => {
    if (opened === name) {
      bench.failRead = () => undefined;
      happens();
    }
    return undefined;
  };
}

describe('a backup of files that do not hold still', () => {
  it('warns of a file that changes while it is read, goes on, and reads it again next time', async () => {
    whenOpened('second', () => appendFileSync(inSource('second'), ', and more'));
    const { outcome, run } = await bench.backup();
    expect(outcome.kind).toBe('backup');
    expect(notices(run)).toEqual([[inSource('second'), 'CHANGED_WHILE_READ']]);
    expect(run.counters).toMatchObject({ files: 3, warnings: 1 });
    await bench.restore(target);
    expect(readdirSync(target).sort()).toEqual(['first', 'second', 'third']);

    await sleep(60);
    const next = await bench.backup({ type: 'INCREMENTAL' });
    expect(bench.opened).toEqual(['second']);
    expect(notices(next.run)).toEqual([]);
  });

  it('warns of a file that vanishes before it is read, leaves it out, and goes on', async () => {
    whenOpened('first', () => rmSync(inSource('second')));
    const { outcome, run } = await bench.backup();
    expect(outcome.kind).toBe('backup');
    expect(notices(run)).toEqual([[inSource('second'), 'VANISHED']]);
    expect(run.counters).toMatchObject({ files: 2, warnings: 1 });
    await bench.restore(target);
    expect(readdirSync(target).sort()).toEqual(['first', 'third']);
  });
});
