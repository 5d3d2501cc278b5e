/** A progress bar for people; on something that is no terminal, a line at each change of state. */
import { SingleBar } from 'cli-progress';
import type { LiveJob } from '../api/live-job.js';
import { formatBytes, formatDuration } from './amounts.js';
import { printable } from './printer.js';

export interface JobProgressView {
  update(job: LiveJob): void;
  end(): void;
}

function movedBytes(job: LiveJob): number {
  return Number(job.kind === 'RESTORE' ? job.progress.bytesWritten : job.progress.bytesTotal);
}

function describeState(job: LiveJob): string {
  if (job.waitingFor) return `waiting: ${printable(job.waitingFor)}`;
  return `${job.state.toLowerCase()}${job.state === 'RUNNING' ? `, ${job.progress.phase.toLowerCase()}` : ''}`;
}

function describeAmounts(job: LiveJob): string {
  const { progress } = job;
  const rate = Number(progress.rate) > 0 ? `, ${formatBytes(progress.rate)}/s` : '';
  const eta = typeof progress.etaSeconds === 'number' ? `, ${formatDuration(progress.etaSeconds)} left` : '';
  const transfer =
    job.kind === 'RESTORE'
      ? `${formatBytes(progress.bytesWritten)} written`
      : `read ${formatBytes(progress.bytesRead)}, sent ${formatBytes(progress.bytesSent)}, stored ${formatBytes(progress.bytesStored)}`;
  return `${progress.entries} entries, ${transfer}${rate}${eta}`;
}

export function createJobProgress(quiet: boolean): JobProgressView {
  if (quiet) return { update: () => undefined, end: () => undefined };
  if (!process.stderr.isTTY) return createLines();
  const bar = new SingleBar({
    format: '{bar} {percentage}% | {state} | {amounts}',
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: false,
  });
  bar.start(1, 0, { state: 'queued', amounts: '' });
  return {
    update(job) {
      const moved = movedBytes(job);
      const expected = Math.max(Number(job.progress.expectedBytes ?? 0), moved, 1);
      bar.setTotal(expected);
      bar.update(Number(job.progress.expectedBytes ?? 0) > 0 ? moved : 0, {
        state: describeState(job),
        amounts: describeAmounts(job),
      });
    },
    end: () => bar.stop(),
  };
}

function createLines(): JobProgressView {
  let shown = '';
  return {
    update(job) {
      const state = describeState(job);
      // A countdown is no change of state.
      const kind = state.replace(/\d+ s\b/, '');
      if (kind === shown) return;
      shown = kind;
      process.stderr.write(`${state} (${describeAmounts(job)})\n`);
    },
    end: () => undefined,
  };
}
