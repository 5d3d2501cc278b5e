/** What a job says about itself, made fit for a terminal. */
import type { LiveJob } from '../api/live-job.js';
import { printable } from './printer.js';

/** "Attempt 1 failed: …" for a job that is tried again; undefined for any other. */
export function failedAttempt({
  attempt,
  previousAttemptError,
}: Pick<LiveJob, 'attempt' | 'previousAttemptError'>): string | undefined {
  if (!previousAttemptError) return undefined;
  const { message } = previousAttemptError;
  return `Attempt ${attempt - 1} failed: ${printable(message)}${/[.!?]$/.test(message) ? '' : '.'}`;
}

/** Why it failed or what it waits for, for a line of a list. */
export function reasonOf(job: Pick<LiveJob, 'attempt' | 'error' | 'previousAttemptError' | 'waitingFor'>): string {
  if (job.error) return printable(job.error.message);
  if (!job.waitingFor) return '';
  if (job.previousAttemptError?.message.includes(job.waitingFor))
    return `${failedAttempt(job)} Attempt ${job.attempt} waits for the same.`;
  return [failedAttempt(job), printable(job.waitingFor)].filter((words) => words !== undefined).join(' ');
}
