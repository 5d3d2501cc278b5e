/** A progress bar for people; on something that is no terminal, a line at each change of state and now and then between. */
import { SingleBar } from 'cli-progress';
import type { LiveJob } from '../api/live-job.js';
import { countOf, formatBytes, formatDuration } from './amounts.js';
import { failedAttempt } from './job-words.js';
import { printable } from './printer.js';

/** Where progress is shown: standard error. */
export type ProgressStream = NodeJS.WritableStream & { readonly isTTY?: boolean };

const BETWEEN_LINES_MS = 10_000;
/** While nothing goes on. */
const BETWEEN_WAITING_LINES_MS = 5 * 60_000;
const CLEAR_LINE = '\r\u001b[K';

export interface JobProgressView {
  update(job: LiveJob): void;
  end(): void;
}

/** Says once for each attempt why the one before came to nothing. */
function failedAttempts(write: (words: string) => void): (job: LiveJob) => void {
  let told = 1;
  return (job) => {
    const words = failedAttempt(job);
    if (words === undefined || job.attempt <= told) return;
    told = job.attempt;
    write(words);
  };
}

/** What is done of an attempt, in percent, where that is known. An answer that was overtaken by a later one takes nothing back. */
function percents(): (job: LiveJob) => number | undefined {
  let attempt = 0;
  let highest: number | undefined;
  return (job) => {
    if (job.attempt > attempt) {
      attempt = job.attempt;
      highest = undefined;
    }
    const { fraction } = job.progress;
    if (job.attempt === attempt && typeof fraction === 'number')
      highest = Math.max(highest ?? 0, Math.floor(fraction * 100));
    return highest;
  };
}

function describeState(job: LiveJob): string {
  if (job.waitingFor) return `waiting: ${printable(job.waitingFor)}`;
  return `${job.state.toLowerCase()}${job.state === 'RUNNING' ? `, ${job.progress.phase.toLowerCase()}` : ''}`;
}

function describeAmounts(job: LiveJob): string {
  const { progress } = job;
  const isRestore = job.kind === 'RESTORE';
  const rate =
    Number(progress.rate) > 0 ? `, ${isRestore ? 'writing' : 'reading'} ${formatBytes(progress.rate)}/s` : '';
  const eta = typeof progress.etaSeconds === 'number' ? `, ${formatDuration(progress.etaSeconds)} left` : '';
  const transfer = isRestore
    ? `${formatBytes(progress.bytesWritten)} written`
    : `read ${formatBytes(progress.bytesRead)}, sent ${formatBytes(progress.bytesSent)}, stored ${formatBytes(progress.bytesStored)}`;
  return `${countOf(Number(progress.entries), 'entry', 'entries')}, ${transfer}${rate}${eta}`;
}

export function createJobProgress(quiet: boolean, stream: ProgressStream = process.stderr): JobProgressView {
  if (quiet) return { update: () => undefined, end: () => undefined };
  return stream.isTTY === true ? createBar(stream) : createLines(stream);
}

function createBar(stream: ProgressStream): JobProgressView {
  const tell = failedAttempts((words) => stream.write(`${CLEAR_LINE}${words}\n`));
  const bar = new SingleBar({
    format: '{bar} {share}{state} | {amounts}',
    stream,
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: false,
  });
  const percentOf = percents();
  bar.start(100, 0, { share: '', state: 'queued', amounts: '' });
  return {
    update(job) {
      tell(job);
      const percent = percentOf(job);
      const share = percent === undefined ? '' : `${percent}% | `;
      bar.update(percent ?? 0, { share, state: describeState(job), amounts: describeAmounts(job) });
    },
    end: () => bar.stop(),
  };
}

function createLines(stream: ProgressStream): JobProgressView {
  const tell = failedAttempts((words) => stream.write(`${words}\n`));
  let shown = '';
  let shownAt = -Infinity;
  return {
    update(job) {
      tell(job);
      const state = describeState(job);
      // A countdown is no change of state.
      const kind = state.replace(/starts in \d+ s\b/, '');
      const now = performance.now();
      const goesOn = job.state === 'RUNNING' && !job.waitingFor;
      if (kind === shown && now - shownAt < (goesOn ? BETWEEN_LINES_MS : BETWEEN_WAITING_LINES_MS)) return;
      shown = kind;
      shownAt = now;
      stream.write(`${state} (${describeAmounts(job)})\n`);
    },
    end: () => undefined,
  };
}
