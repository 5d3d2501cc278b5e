import type { JobState } from '../../gql/graphql';
import { formatBytes, formatRate } from '../../platform/format/amounts';
import { formatDuration } from '../../platform/format/time';
import { visibleText } from '../../platform/format/visible-text';
import { JOB_PHASE_WORDS } from '../../platform/format/words';
import type { Tone } from '../../platform/ui/Status';
import type { JobView } from './job-fragment';

type Progressing = Pick<JobView, 'kind' | 'progress'>;

export const ENDED_STATES: readonly JobState[] = ['COMPLETED', 'COMPLETED_WITH_WARNINGS', 'FAILED', 'CANCELLED'];
export const OPEN_STATES: readonly JobState[] = ['QUEUED', 'DISPATCHED', 'RUNNING'];

export function isEnded(state: JobState): boolean {
  return ENDED_STATES.includes(state);
}

export function toneOf(state: JobState): Tone {
  switch (state) {
    case 'QUEUED':
    case 'CANCELLED':
      return 'idle';
    case 'DISPATCHED':
    case 'RUNNING':
      return 'busy';
    case 'COMPLETED':
      return 'good';
    case 'COMPLETED_WITH_WARNINGS':
      return 'warn';
    case 'FAILED':
      return 'bad';
  }
}

/** Bytes gone through. A file counts into the total when it is done; while it is read, what was read says more. */
function bytesDone({ kind, progress }: Progressing): number {
  if (kind === 'RESTORE') return Math.max(Number(progress.bytesTotal), Number(progress.bytesWritten));
  return Math.max(Number(progress.bytesTotal), Number(progress.bytesRead));
}

/** "Transferring · 41 % · 12.0 MiB/s · 2 min 5 s left". */
export function describeProgress(job: Progressing): string {
  const { progress } = job;
  const { fraction } = progress;
  const done = `${formatBytes(bytesDone(job))} ${job.kind === 'RESTORE' ? 'written' : 'looked at'}`;
  const about = job.kind === 'BACKUP' ? 'about ' : '';
  return [
    JOB_PHASE_WORDS[progress.phase],
    typeof fraction !== 'number' ? done : `${about}${Math.floor(fraction * 100)} %`,
    ...(Number(progress.rate) > 0 ? [formatRate(progress.rate)] : []),
    ...(typeof progress.etaSeconds === 'number' ? [`${formatDuration(progress.etaSeconds)} left`] : []),
  ].join(' · ');
}

/** "Attempt 1 failed: The store is full." for a job that is tried again. */
export function failedAttempt({
  attempt,
  previousAttemptError,
}: Pick<JobView, 'attempt' | 'previousAttemptError'>): string | undefined {
  if (!previousAttemptError) return undefined;
  const message = visibleText(previousAttemptError.message);
  return `Attempt ${attempt - 1} failed: ${message}${/[.!?]$/.test(message) ? '' : '.'}`;
}

/**
 * Of two pictures of one job the later one, the first when they are alike: updates come by two ways, and an answer that was on its way when the job
 * ended must not show it running again.
 */
export function laterOf<Job extends Pick<JobView, 'state' | 'attempt' | 'progress'>>(a: Job, b: Job): Job {
  if (isEnded(a.state) !== isEnded(b.state)) return isEnded(a.state) ? a : b;
  if (a.attempt !== b.attempt) return a.attempt > b.attempt ? a : b;
  const rank = (job: Job): number => ['QUEUED', 'DISPATCHED', 'RUNNING'].indexOf(job.state);
  if (rank(a) !== rank(b)) return rank(a) > rank(b) ? a : b;
  const fraction = (job: Job): number => job.progress.fraction ?? 0;
  if (fraction(a) !== fraction(b)) return fraction(a) > fraction(b) ? a : b;
  return workDone(b) > workDone(a) ? b : a;
}

/** Grows while an attempt goes on. */
function workDone({ progress }: Pick<JobView, 'progress'>): bigint {
  const { entries, bytesTotal, bytesRead, bytesSent, bytesWritten } = progress;
  return [entries, bytesTotal, bytesRead, bytesSent, bytesWritten].reduce((sum, each) => sum + BigInt(each), 0n);
}
