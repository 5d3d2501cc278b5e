import type { Job } from './job.js';

export interface Surroundings {
  readonly now: number;
  readonly agentConnected: boolean;
  /** The item's active job, if another one runs. */
  readonly activeJobOfItem?: Pick<Job, 'kind'>;
  readonly activeJobsOfAgent: number;
}

/** Jobs of one agent at a time: each keeps index pages and packs in its memory. */
export const AGENT_LIMIT = 4;

/** What a queued job waits for, in words; undefined for any other job. */
export function waitingFor(job: Job, around: Surroundings): string | undefined {
  if (job.state !== 'QUEUED') return undefined;
  if (!around.agentConnected) return 'The agent is not connected.';
  if (around.activeJobOfItem)
    return `Another ${around.activeJobOfItem.kind === 'BACKUP' ? 'backup' : 'restore'} of the same item is under way.`;
  if (around.activeJobsOfAgent >= AGENT_LIMIT) return `The agent is busy with ${around.activeJobsOfAgent} jobs.`;
  if (job.notBefore > around.now)
    return `Attempt ${job.attempt} starts in ${Math.ceil((job.notBefore - around.now) / 1_000)} s.`;
  return 'It is about to start.';
}
