import type { Job } from './domain/job.js';
import type { ProgressReport, ProgressState } from './domain/progress.js';
import type { JobFeed } from './job-feed.js';
import type { JobKindHandlers } from './ports.js';

/** Something with a loop that can be told that there is work. */
export interface Wakeable {
  wake(): void;
}

/** Progress of running jobs: in memory only, the last of it is persisted when the job ends. */
export interface ProgressBoard {
  report(job: Pick<Job, 'id' | 'kind'>, report: ProgressReport): void;
  of(jobId: string): ProgressState | undefined;
  forget(jobId: string): void;
}

export interface JobServices {
  readonly handlers: JobKindHandlers;
  readonly events: JobFeed;
  readonly dispatcher: Wakeable;
  readonly outbox: Wakeable;
  readonly progress: ProgressBoard;
  /** Whether failed jobs are told to a webhook. */
  readonly failureWebhook: boolean;
}
