import type { Clock } from '@holdfast/core/clock';
import type { Job } from './domain/job.js';
import type { ProgressReport, ProgressState } from './domain/progress.js';
import { follow } from './domain/progress.js';
import type { ProgressBoard } from './services.js';

export function createProgressBoard(clock: Clock): ProgressBoard {
  const states = new Map<string, ProgressState>();
  return {
    report(job: Pick<Job, 'id' | 'kind'>, report: ProgressReport): void {
      states.set(job.id, follow(states.get(job.id), report, job.kind, clock.monotonic()));
    },
    of: (jobId) => states.get(jobId),
    forget: (jobId) => void states.delete(jobId),
  };
}
