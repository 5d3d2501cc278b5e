import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import type { Stores } from '../../stores.js';
import type { Job, JobRef } from '../domain/job.js';
import { holds } from '../domain/job-machine.js';
import type { SessionScope } from '../ports.js';

/** May this agent work on this job now, and on what? Only a gateway may ask. Throws Forbidden, or IllegalState for a lost epoch. */
export async function authorizeSession(
  ctx: Context,
  input: { readonly agentId: string; readonly job: JobRef },
): Promise<SessionScope> {
  return ctx.unitOfWork.run(async (stores) => {
    const job = await requireHeldJob(ctx, stores, input.agentId, input.job);
    return ctx.services.jobs.handlers[job.kind].sessionScope(ctx, stores, job);
  });
}

/**
 * The job, when the agent holds it under this epoch: for every call of a gateway that reads or changes anything for
 * it. The row is locked, so that the epoch still counts when the transaction commits.
 */
export async function requireHeldJob(ctx: Context, stores: Stores, agentId: string, ref: JobRef): Promise<Job> {
  if (ctx.principal.kind !== 'gateway')
    throw new HoldfastError({ kind: 'Forbidden', code: 'NOT_A_GATEWAY', message: 'Only gateways may do this.' });
  const agent = await stores.agents.get(agentId);
  const job = await stores.jobs.lock(ref.jobId);
  if (agent === undefined || agent.revokedAt !== undefined || job === undefined || job.agentId !== agentId) {
    throw new HoldfastError({
      kind: 'Forbidden',
      code: 'NOT_THIS_AGENTS_JOB',
      message: 'The agent may not work on this job.',
    });
  }
  if (!holds(job, agentId, ref.epoch)) {
    throw new HoldfastError({
      kind: 'IllegalState',
      code: 'JOB_FENCED',
      message: 'The job is over, or another attempt has begun: this epoch may change nothing.',
    });
  }
  return job;
}
