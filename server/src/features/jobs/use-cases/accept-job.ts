import type { Context } from '../../../platform/context.js';
import { callingAgent } from '../../agents/use-cases/require-live-agent.js';
import type { Job, JobRef } from '../domain/job.js';
import { accept } from '../domain/job-machine.js';
import { saveJobChange } from './save-job-change.js';

/** The agent has begun. Undefined when the job is not its any more under this epoch: it has to stop. */
export async function acceptJob(ctx: Context, ref: JobRef): Promise<Job | undefined> {
  return ctx.unitOfWork.run(async (stores, transaction) => {
    const job = await stores.jobs.lock(ref.jobId);
    if (job === undefined) return undefined;
    const decision = accept(job, callingAgent(ctx), ref.epoch, ctx.clock.now());
    if (decision.kind === 'fenced') return undefined;
    return decision.kind === 'changed' ? saveJobChange(ctx, stores, transaction, job, decision.job) : job;
  });
}
