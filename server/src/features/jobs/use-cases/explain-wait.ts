import type { Context } from '../../../platform/context.js';
import type { Job } from '../domain/job.js';
import { waitingFor } from '../domain/waiting-for.js';

/** What queued jobs of a list that was authorised wait for, by job id. */
export async function explainWaits(ctx: Context, jobs: readonly Job[]): Promise<Map<string, string>> {
  const queued = jobs.filter(({ state }) => state === 'QUEUED');
  if (queued.length === 0) return new Map();
  const { active, counts } = await ctx.unitOfWork.run(async (stores) => ({
    active: await stores.jobs.activeOfItems(queued.map((job) => job.protectedItemId)),
    counts: await stores.jobs.activeCountOfAgents([...new Set(queued.map((job) => job.agentId))]),
  }));
  const ofItem = new Map(active.map((job) => [job.protectedItemId, job]));
  const words = queued.map((job) => {
    const activeJobOfItem = ofItem.get(job.protectedItemId);
    const around = {
      now: ctx.clock.now(),
      agentConnected: ctx.services.agents.connections.ready(job.agentId) !== undefined,
      activeJobsOfAgent: counts.get(job.agentId) ?? 0,
      ...(activeJobOfItem && { activeJobOfItem }),
    };
    return [job.id, waitingFor(job, around) ?? ''] as const;
  });
  return new Map(words);
}
