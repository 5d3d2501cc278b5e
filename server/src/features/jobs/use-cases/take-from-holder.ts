import type { Context, Transaction } from '../../../platform/context.js';
import type { Stores } from '../../stores.js';
import type { Job } from '../domain/job.js';
import { loseHolder } from '../domain/job-machine.js';
import { saveJobChange } from './save-job-change.js';

/** A locked active job has lost its holder: completed if its point is recorded, otherwise tried again, cancelled or failed. */
export async function takeFromHolder(ctx: Context, stores: Stores, transaction: Transaction, job: Job): Promise<void> {
  const recorded = await ctx.services.jobs.handlers[job.kind].recordedPoint(stores, job);
  const decision = loseHolder(job, recorded, ctx.clock.now());
  if (decision.kind !== 'changed') return;
  const after = await saveJobChange(ctx, stores, transaction, job, decision.job);
  ctx.log.warn(
    { jobId: job.id, agentId: job.agentId, epoch: job.epoch, attempt: job.attempt, state: after.state },
    'job.holder-lost',
  );
}
