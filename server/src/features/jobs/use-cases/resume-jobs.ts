import type { Context, Transaction } from '../../../platform/context.js';
import type { Stores } from '../../stores.js';
import type { Job, JobRef } from '../domain/job.js';
import { isActive } from '../domain/job.js';
import { accept, LEASE_MS } from '../domain/job-machine.js';
import { saveJobChange } from './save-job-change.js';
import { takeFromHolder } from './take-from-holder.js';

/**
 * The agent came back and named its jobs. Those that it holds under the current epoch go on; those it should
 * hold and did not name never reached it, or were lost with its memory, and are tried again; all others are fenced.
 */
export async function resumeJobs(
  ctx: Context,
  stores: Stores,
  transaction: Transaction,
  agentId: string,
  named: readonly JobRef[],
): Promise<{ readonly held: readonly Job[]; readonly fenced: readonly JobRef[] }> {
  const now = ctx.clock.now();
  const held: Job[] = [];
  for (const job of await stores.jobs.lockUnfinishedOfAgent(agentId)) {
    if (!isActive(job)) continue;
    if (!named.some(({ jobId, epoch }) => jobId === job.id && epoch === job.epoch)) {
      await takeFromHolder(ctx, stores, transaction, job);
      continue;
    }
    const decision = accept(job, agentId, job.epoch, now);
    const kept = decision.kind === 'changed' ? await saveJobChange(ctx, stores, transaction, job, decision.job) : job;
    if (decision.kind === 'unchanged')
      await stores.jobs.renewLeases(agentId, [{ jobId: job.id, epoch: job.epoch }], now + LEASE_MS);
    held.push(kept);
  }
  const fenced = named.filter(({ jobId }) => !held.some(({ id }) => id === jobId));
  return { held, fenced };
}
