import type { Repeater } from '@graphql-yoga/subscription';
import { map } from '@graphql-yoga/subscription';
import type { Context } from '../../../platform/context.js';
import { authorize } from '../../access/authorize.js';
import type { Job } from '../domain/job.js';
import { requireJob } from './get-job.js';

/** The job as it is, then whenever it changes. What the caller may see is asked at the start and again each time. */
export async function watchJob(ctx: Context, input: { readonly jobId: string }): Promise<Repeater<Job>> {
  const { id } = await requireJob(ctx, input.jobId);
  return toJobs(
    ctx,
    ctx.services.jobs.events.watch((job) => job.id === id, [id]),
  );
}

/** Jobs of a subscription as they change. */
export async function watchJobs(ctx: Context, input: { readonly subscriptionId: string }): Promise<Repeater<Job>> {
  await ctx.unitOfWork.run((stores) => authorize(ctx, stores, 'job.read', { subscriptionId: input.subscriptionId }));
  return toJobs(
    ctx,
    ctx.services.jobs.events.watch((job) => job.subscriptionId === input.subscriptionId),
  );
}

function toJobs(ctx: Context, ids: Repeater<string>): Repeater<Job> {
  return map<string, Job>((jobId) => requireJob(ctx, jobId))(ids);
}
