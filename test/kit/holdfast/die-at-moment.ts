/**
 * Loaded into a Holdfast program with `--import`, before the program itself: the one who listens where the write path names its
 * moments. The program is what is shipped, unchanged; without this file nothing in it can be made to end there.
 */
import { readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { type Moment, watchMoments } from '@holdfast/core/moments';

/** Who is to be killed when a process reaches the moment for the nth time. */
export interface PlannedDeath {
  readonly id: string;
  readonly moment: Moment;
  readonly nth: number;
  readonly pids: readonly number[];
}

const folder = process.env.HOLDFAST_TEST_DEATHS;
let counted = { id: '', times: 0 };

function planned(file: string): PlannedDeath | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as PlannedDeath;
  } catch {
    return undefined;
  }
}

function strike(at: string, moment: Moment): void {
  const next = path.join(at, 'next.json');
  const death = planned(next);
  if (death?.moment !== moment) return;
  counted = { id: death.id, times: counted.id === death.id ? counted.times + 1 : 1 };
  if (counted.times < death.nth) return;
  try {
    renameSync(next, path.join(at, 'struck.json'));
  } catch {
    // Another process was faster.
    return;
  }
  for (const pid of death.pids.toSorted((a) => (a === process.pid ? 1 : -1))) process.kill(pid, 'SIGKILL');
}

if (folder !== undefined) watchMoments((moment) => strike(folder, moment));
