import { isHoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import type { Job } from '../domain/job.js';
import { claim } from '../domain/job-machine.js';
import { AGENT_LIMIT } from '../domain/waiting-for.js';
import { appendToOutbox } from './append-to-outbox.js';
import { saveJobChange } from './save-job-change.js';

/** Gives the next job that can start to its agent, if there is one. The command leaves after the commit. */
export async function claimNextJob(ctx: Context): Promise<Job | undefined> {
  const agentIds = ctx.services.agents.connections.readyIds();
  if (agentIds.length === 0) return undefined;
  const now = ctx.clock.now();
  try {
    return await ctx.unitOfWork.run(
      async (stores, transaction) => {
        const next = await stores.jobs.lockNextClaimable({ agentIds, now, agentLimit: AGENT_LIMIT });
        const decision = next && claim(next, now);
        if (!next || decision?.kind !== 'changed') return undefined;
        const job = await saveJobChange(ctx, stores, transaction, next, decision.job);
        await appendToOutbox(ctx, stores, transaction, 'DISPATCH_JOB', { jobId: job.id, epoch: job.epoch });
        return job;
      },
      { isolation: 'read-committed' },
    );
  } catch (error) {
    // Somebody else took a job of the same item in the same moment.
    if (isHoldfastError(error, 'Locked')) return undefined;
    throw error;
  }
}
