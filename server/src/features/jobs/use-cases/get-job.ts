import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import { authorize } from '../../access/authorize.js';
import type { Stores } from '../../stores.js';
import type { Job, JobNotice } from '../domain/job.js';

/** Throws NotFound, also for who may not know of it. */
export async function getJob(ctx: Context, input: { readonly jobId: string }): Promise<Job> {
  return ctx.unitOfWork.run((stores) => requireJob(ctx, stores, input.jobId));
}

export async function listJobNotices(ctx: Context, input: { readonly jobId: string }): Promise<JobNotice[]> {
  return ctx.unitOfWork.run(async (stores) => {
    await requireJob(ctx, stores, input.jobId);
    return stores.jobs.notices(input.jobId);
  });
}

async function requireJob(ctx: Context, stores: Stores, jobId: string): Promise<Job> {
  const job = await stores.jobs.get(jobId);
  if (job === undefined) throw noSuchJob();
  await authorize(ctx, stores, 'job.read', { subscriptionId: job.subscriptionId, vaultId: job.vaultId });
  return job;
}

export function noSuchJob(): HoldfastError {
  return new HoldfastError({ kind: 'NotFound', code: 'NOT_FOUND', message: 'There is no such thing, or you may not see it.' });
}
