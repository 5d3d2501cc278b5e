import type { Context } from '../../../platform/context.js';
import type { Job } from '../domain/job.js';
import { waitingFor } from '../domain/waiting-for.js';

/** What each of these jobs waits for, in their order; undefined for one that goes on or is over. The caller was allowed to see them. */
export async function explainWaits(ctx: Context, jobs: readonly Job[]): Promise<(string | undefined)[]> {
  const queued = jobs.filter(({ state }) => state === 'QUEUED');
  // Of the others, their agents say it.
  const told = (job: Job): string | undefined => ctx.services.jobs.progress.of(job.id)?.waitingFor || undefined;
  if (queued.length === 0) return jobs.map(told);
  const { active, counts } = await ctx.unitOfWork.run(async (stores) => ({
    active: await stores.jobs.activeOfItems(queued.map((job) => job.protectedItemId)),
    counts: await stores.jobs.activeCountOfAgents([...new Set(queued.map((job) => job.agentId))]),
  }));
  const ofItem = new Map(active.map((job) => [job.protectedItemId, job]));
  return jobs.map((job) => {
    if (job.state !== 'QUEUED') return told(job);
    const activeJobOfItem = ofItem.get(job.protectedItemId);
    return waitingFor(job, {
      now: ctx.clock.now(),
      agentConnected: ctx.services.agents.connections.ready(job.agentId) !== undefined,
      activeJobsOfAgent: counts.get(job.agentId) ?? 0,
      ...(activeJobOfItem && { activeJobOfItem }),
    });
  });
}
