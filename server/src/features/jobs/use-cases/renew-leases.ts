import type { Context } from '../../../platform/context.js';
import { callingAgent } from '../../agents/use-cases/require-live-agent.js';
import type { JobRef } from '../domain/job.js';
import { LEASE_MS } from '../domain/job-machine.js';

/** The agent lives and works on these. Answers those that it does not hold any more. */
export async function renewLeases(ctx: Context, jobs: readonly JobRef[]): Promise<JobRef[]> {
  if (jobs.length === 0) return [];
  const until = ctx.clock.now() + LEASE_MS;
  // One statement per job fences itself, so nothing stricter is needed for the most frequent write of all.
  const held = await ctx.unitOfWork.run((stores) => stores.jobs.renewLeases(callingAgent(ctx), jobs, until), {
    isolation: 'read-committed',
  });
  return jobs.filter(({ jobId }) => !held.some((each) => each.jobId === jobId));
}
