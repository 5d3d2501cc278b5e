import type { Context } from '../../../platform/context.js';
import { authorize } from '../../access/authorize.js';
import type { Stores } from '../../stores.js';
import { noSuchThing } from '../../vaults/use-cases/require-vault.js';
import type { Job, JobNotice } from '../domain/job.js';

/** Undefined when there is none; throws NotFound when the caller may not know of it. */
export async function getJob(ctx: Context, id: string): Promise<Job | undefined> {
  return ctx.unitOfWork.run((stores) => visibleJob(ctx, stores, id));
}

/** The same, where there has to be one: throws NotFound. */
export async function requireJob(ctx: Context, id: string): Promise<Job> {
  const job = await getJob(ctx, id);
  if (job === undefined) throw noSuchThing();
  return job;
}

export async function listJobNotices(ctx: Context, id: string): Promise<JobNotice[]> {
  return ctx.unitOfWork.run(async (stores) => {
    if ((await visibleJob(ctx, stores, id)) === undefined) throw noSuchThing();
    return stores.jobs.notices(id);
  });
}

async function visibleJob(ctx: Context, stores: Stores, id: string): Promise<Job | undefined> {
  const job = await stores.jobs.get(id);
  if (job !== undefined)
    await authorize(ctx, stores, 'job.read', { subscriptionId: job.subscriptionId, vaultId: job.vaultId });
  return job;
}
