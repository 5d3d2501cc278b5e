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
  /** Another instance that was connected last may be back at any moment. */
  readonly mayReplace: boolean;
}

export interface Welcomed {
  readonly held: readonly Job[];
  readonly fenced: readonly JobRef[];
  readonly bandwidth: BandwidthLimits;
}

/** An agent said who it is and what it works on: jobs that it still holds go on, those it lost are named. Undefined for an instance that may not replace another. Throws Forbidden once revoked. */
export async function connectAgent(ctx: Context, hello: Hello): Promise<Welcomed | undefined> {
  return ctx.unitOfWork.run(async (stores, transaction) => {
    const agent = await requireLiveAgent(ctx, stores, 'connectAgent');
    const isAnother = agent.instance !== undefined && agent.instance !== hello.instance;
    if (isAnother && !hello.mayReplace) return undefined;
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

/** An agent that cannot have its place now is told first if it never will. Throws Forbidden once revoked. */
export async function requireNotRevoked(ctx: Context): Promise<void> {
  await ctx.unitOfWork.run((stores) => requireLiveAgent(ctx, stores, 'connectAgent'));
}

/** Keeps when an agent was last heard; for its page while it is away. */
export async function noteAgentSeen(ctx: Context, agentId: string, at: number): Promise<void> {
  await ctx.unitOfWork.run((stores) => stores.agents.touch(agentId, at), { isolation: 'read-committed' });
}
