import type { Repeater } from '@graphql-yoga/subscription';
import type { Context } from '../../../platform/context.js';
import { authorize } from '../../access/authorize.js';
import { requireJob } from './get-job.js';

/** The id of the job at once, then whenever it changes. Whoever reads it asks again what the caller may see. */
export async function watchJob(ctx: Context, input: { readonly jobId: string }): Promise<Repeater<string>> {
  const { id } = await requireJob(ctx, input.jobId);
  return ctx.services.jobs.events.watch((job) => job.id === id, { first: [id], userId: userOf(ctx) });
}

/** Ids of a subscription's jobs as they change. */
export async function watchJobs(ctx: Context, input: { readonly subscriptionId: string }): Promise<Repeater<string>> {
  await ctx.unitOfWork.run((stores) => authorize(ctx, stores, 'job.read', { subscriptionId: input.subscriptionId }));
  return ctx.services.jobs.events.watch((job) => job.subscriptionId === input.subscriptionId, { userId: userOf(ctx) });
}

function userOf({ principal }: Context): string | undefined {
  return principal.kind === 'user' ? principal.userId : undefined;
}
