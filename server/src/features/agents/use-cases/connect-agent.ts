import type { BandwidthLimits } from '@holdfast/core/policy';
import type { Context } from '../../../platform/context.js';
import type { Job, JobRef } from '../../jobs/domain/job.js';
import { resumeJobs } from '../../jobs/use-cases/resume-jobs.js';
import type { HostFacts } from '../domain/agent.js';
import { tidyCapabilities, tidyHostFacts } from '../domain/agent.js';
import { requireLiveAgent } from './require-live-agent.js';

export interface Hello {
  readonly host: HostFacts;
  readonly capabilities: readonly string[];
  /** What the agent still works on, or has finished and not seen settled. */
  readonly running: readonly JobRef[];
  /** Hex. */
  readonly instance: string;
}

export interface Welcomed {
  readonly held: readonly Job[];
  readonly fenced: readonly JobRef[];
  readonly bandwidth: BandwidthLimits;
}

/** An agent said who it is and what it works on: jobs that it still holds go on, those it lost are named. Throws Forbidden once revoked. */
export async function connectAgent(ctx: Context, hello: Hello): Promise<Welcomed> {
  return ctx.unitOfWork.run(async (stores, transaction) => {
    const agent = await requireLiveAgent(ctx, stores, 'connectAgent');
    await stores.agents.introduce(agent.id, {
      host: tidyHostFacts(hello.host),
      capabilities: tidyCapabilities(hello.capabilities),
      lastSeenAt: ctx.clock.now(),
      instance: hello.instance,
    });
    const jobs = await resumeJobs(ctx, stores, transaction, agent.id, hello.running);
    return { ...jobs, bandwidth: agent.bandwidth };
  });
}

/** Which instance of the agent was connected last, if any. Throws Forbidden once revoked. */
export async function lastInstance(ctx: Context): Promise<string | undefined> {
  return ctx.unitOfWork.run(async (stores) => (await requireLiveAgent(ctx, stores, 'connectAgent')).instance);
}

/** Keeps when an agent was last heard; for its page while it is away. */
export async function noteAgentSeen(ctx: Context, agentId: string, at: number): Promise<void> {
  await ctx.unitOfWork.run((stores) => stores.agents.touch(agentId, at), { isolation: 'read-committed' });
}
