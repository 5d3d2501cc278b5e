import type { Context } from '../../../platform/context.js';
import type { Job } from '../domain/job.js';
import { waitingFor } from '../domain/waiting-for.js';

/** What each of these jobs waits for, in their order; undefined for a job that is not queued. The caller was allowed to see them. */
export async function explainWaits(ctx: Context, jobs: readonly Job[]): Promise<(string | undefined)[]> {
  const queued = jobs.filter(({ state }) => state === 'QUEUED');
  if (queued.length === 0) return jobs.map(() => undefined);
  const { active, counts } = await ctx.unitOfWork.run(async (stores) => ({
    active: await stores.jobs.activeOfItems(queued.map((job) => job.protectedItemId)),
    counts: await stores.jobs.activeCountOfAgents([...new Set(queued.map((job) => job.agentId))]),
  }));
  const ofItem = new Map(active.map((job) => [job.protectedItemId, job]));
  return jobs.map((job) => {
    const activeJobOfItem = ofItem.get(job.protectedItemId);
    return waitingFor(job, {
      now: ctx.clock.now(),
      agentConnected: ctx.services.agents.connections.ready(job.agentId) !== undefined,
      activeJobsOfAgent: counts.get(job.agentId) ?? 0,
      ...(activeJobOfItem && { activeJobOfItem }),
    });
  });
}
