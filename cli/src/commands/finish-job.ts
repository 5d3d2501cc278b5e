/** Waits for a job as the foreground commands do, and turns its end into words and an exit code. */
import { fromWireError, HoldfastError } from '@holdfast/core/errors';
import type { ApiClient } from '../api/client.js';
import { followJob, type LiveJob } from '../api/live-job.js';
import { countOf, formatBytes, formatDuration } from '../output/amounts.js';
import { createJobProgress } from '../output/job-progress.js';
import { type Printer, printable } from '../output/printer.js';
import { parseDuration } from './duration.js';

/** A backup that could not read some files is a result, not an error. */
export const WARNINGS_EXIT = 3;
const SHOWN_NOTICES = 20;

/** Of every command that waits for a job. */
export const TIMEOUT = [
  '--timeout <duration>',
  'stop waiting after so long (90s, 30m, 2h, 1d) with exit code 21; the job goes on',
  parseDuration,
] as const;

/** Waits for at most `timeoutMs`. */
export async function finishJob(api: ApiClient, id: string, printer: Printer, timeoutMs?: number): Promise<void> {
  const view = createJobProgress(printer.json);
  const interrupt = new AbortController();
  const onSignal = (): void =>
    interrupt.abort(
      new HoldfastError({ kind: 'Cancelled', code: 'CANCELLED', message: 'stopped watching; the job goes on' }),
    );
  process.once('SIGINT', onSignal);
  const timer =
    timeoutMs === undefined ? undefined : setTimeout(() => interrupt.abort(waited(timeoutMs, id)), timeoutMs);
  let job: LiveJob;
  try {
    job = await followJob(api, id, (update) => view.update(update), interrupt.signal);
  } finally {
    view.end();
    process.off('SIGINT', onSignal);
    clearTimeout(timer);
  }
  reportJob(job, printer);
}

function waited(timeoutMs: number, id: string): HoldfastError {
  return new HoldfastError({
    kind: 'Timeout',
    code: 'STOPPED_WAITING',
    message: `the job has not ended within ${formatDuration(timeoutMs / 1000)} and goes on: holdfast jobs show ${id} --watch`,
  });
}

/** Prints what it came to so far, with its warnings. */
export function printJob(job: LiveJob, printer: Printer): void {
  printer.result(job, () => {
    for (const notice of job.notices.slice(0, SHOWN_NOTICES))
      printer.line(`  ${printable(notice.path)}: ${printable(notice.message)}`);
    if (job.noticesTotal > SHOWN_NOTICES)
      printer.line(`  … ${job.noticesTotal - SHOWN_NOTICES} more (holdfast jobs show ${job.id} --json)`);
    if (job.state === 'COMPLETED' || job.state === 'COMPLETED_WITH_WARNINGS') printer.line(describeSuccess(job));
  });
}

/** Prints the job's end. Throws what it failed with; sets exit code 3 for warnings. */
function reportJob(job: LiveJob, printer: Printer): void {
  printJob(job, printer);
  if (job.state === 'COMPLETED_WITH_WARNINGS') process.exitCode = WARNINGS_EXIT;
  if (job.state === 'CANCELLED')
    throw fromWireError({ code: 'CANCELLED', message: 'the job was cancelled', details: {} });
  if (job.state === 'FAILED') {
    const { code, message } = job.error ?? { code: 'INTERNAL_SERVER_ERROR', message: 'the job failed' };
    throw fromWireError({ code, message, details: {} });
  }
}

/** What a job that completed came to. */
export function describeSuccess(job: LiveJob): string {
  const { progress } = job;
  const warned =
    job.state === 'COMPLETED_WITH_WARNINGS' ? ` with ${countOf(job.noticesTotal, 'warning', 'warnings')}` : '';
  if (job.kind === 'RESTORE') {
    const skipped = Number(progress.entriesSkipped);
    const restored = countOf(Number(progress.entries) - skipped, 'entry', 'entries');
    const left =
      skipped === 1
        ? '1 entry was there already and was left as it is.'
        : `${skipped} entries were there already and were left as they are.`;
    return `Restored ${restored}, ${formatBytes(progress.bytesWritten)}${warned}.${skipped > 0 ? `\n${left}` : ''}`;
  }
  const why = job.backupTypeReason ? ` (${printable(job.backupTypeReason)})` : '';
  const before =
    job.attempt > 1 ? '\nThese are amounts of the last attempt: what those before it stored is not among them.' : '';
  return (
    `${job.backupType ?? ''} backup completed${warned}${why}: ${countOf(Number(progress.entries), 'entry', 'entries')}, read ${formatBytes(progress.bytesRead)}, ` +
    `changed ${formatBytes(progress.bytesChanged)}, sent ${formatBytes(progress.bytesSent)}, stored ${formatBytes(progress.bytesStored)}.${before}\n` +
    `Recovery point: ${job.recoveryPoint?.id ?? '-'}`
  );
}
