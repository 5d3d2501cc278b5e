import type { Context } from '../../../platform/context.js';
import type { JobRef } from '../domain/job.js';
import { holds } from '../domain/job-machine.js';

/** Tells the agent to stop a job. False when it is not connected now: try again, until the lease's end settles the job. */
export async function passOnCancel(ctx: Context, ref: JobRef): Promise<boolean> {
  const job = await ctx.unitOfWork.run((stores) => stores.jobs.get(ref.jobId), { isolation: 'read-committed' });
  if (job === undefined || !holds(job, job.agentId, ref.epoch)) return true;
  return ctx.services.agents.connections.ready(job.agentId)?.send({ kind: 'cancel', job: ref }) ?? false;
}
