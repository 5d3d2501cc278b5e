import { HoldfastError } from '@holdfast/core/errors';
import type { Job, JobKind, JobRef } from '../../jobs/domain/job.js';
import type { Stores } from '../../stores.js';

/**
 * The job, locked, if it is under way under exactly this epoch. Whoever holds an older one has been fenced and may
 * change nothing: FAILED_PRECONDITION.
 */
export async function lockRunningJob(stores: Stores, ref: JobRef, kind: JobKind, agentId?: string): Promise<Job> {
  const job = await stores.jobs.lock(ref.jobId);
  if (job?.kind !== kind || (agentId !== undefined && job.agentId !== agentId)) throw refused('NO_SUCH_JOB', 'There is no such job of this agent.');
  if (job.state !== 'RUNNING') throw refused('JOB_NOT_RUNNING', 'The job is not running.');
  if (job.epoch !== ref.epoch) throw refused('JOB_FENCED', 'The job goes on under a newer lease.');
  return job;
}

function refused(code: string, message: string): HoldfastError {
  return new HoldfastError({ kind: 'IllegalState', code, message });
}
