import { toWireError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import type { Job, JobRef } from '../domain/job.js';
import type { JobCommand } from '../domain/job-command.js';
import { failToStart, holds } from '../domain/job-machine.js';
import { saveJobChange } from './save-job-change.js';

/**
 * Builds the command of a claimed job and sends it to the agent. May run again for the same claim: an agent takes
 * a repeated command of the same epoch as one. False when the agent is not connected now: try again.
 */
export async function startJob(ctx: Context, ref: JobRef): Promise<boolean> {
  const claimed = await findClaimed(ctx, ref);
  if (claimed === undefined) return true;
  // The stream of before the check: on a newer one the agent may have said meanwhile that it does not have the job.
  const link = ctx.services.agents.connections.ready(claimed.agentId);
  if (link === undefined) return false;
  const job = await findClaimed(ctx, ref);
  if (job === undefined) return true;
  let command: JobCommand;
  try {
    command = await ctx.services.jobs.handlers[job.kind].buildCommand(ctx, job);
  } catch (error) {
    await giveUp(ctx, ref, error);
    return true;
  }
  return link.send({ kind: 'start', job: ref, command });
}

async function findClaimed(ctx: Context, ref: JobRef): Promise<Job | undefined> {
  const job = await ctx.unitOfWork.run((stores) => stores.jobs.get(ref.jobId), { isolation: 'read-committed' });
  return job !== undefined &&
    job.state === 'DISPATCHED' &&
    job.cancelRequestedAt === undefined &&
    holds(job, job.agentId, ref.epoch)
    ? job
    : undefined;
}

async function giveUp(ctx: Context, ref: JobRef, error: unknown): Promise<void> {
  const failure = toWireError(error);
  ctx.log.warn({ err: error, jobId: ref.jobId, epoch: ref.epoch }, 'job.no-command');
  await ctx.unitOfWork.run(async (stores, transaction) => {
    const job = await stores.jobs.lock(ref.jobId);
    const decision = job && failToStart(job, ref.epoch, failure, ctx.clock.now());
    if (job && decision?.kind === 'changed') await saveJobChange(ctx, stores, transaction, job, decision.job);
  });
}
