import type { Context, Transaction } from '../../../platform/context.js';
import { describePrincipal } from '../../access/domain/principal.js';
import type { Stores } from '../../stores.js';
import type { Job } from '../domain/job.js';
import { revokeHolder } from '../domain/job-machine.js';
import { saveJobChange } from './save-job-change.js';

export type NewJob = Pick<
  Job,
  | 'kind'
  | 'subscriptionId'
  | 'vaultId'
  | 'protectedItemId'
  | 'agentId'
  | 'payload'
  | 'requestedBackupType'
  | 'recoveryPointId'
>;

/**
 * Puts a job into the queue, in the transaction of the use case that wants it: that one has authorised and
 * audits. The dispatcher hears of it after the commit.
 */
export async function enqueueJob(ctx: Context, stores: Stores, transaction: Transaction, wanted: NewJob): Promise<Job> {
  const now = ctx.clock.now();
  const job: Job = {
    ...wanted,
    id: ctx.newId(),
    state: 'QUEUED',
    requestedBy: requester(ctx),
    attempt: 1,
    epoch: 0,
    notBefore: now,
    createdAt: now,
    noticesTotal: 0,
  };
  await stores.jobs.insert(job);
  const agent = await stores.agents.get(job.agentId);
  const decision = agent?.revokedAt === undefined ? undefined : revokeHolder(job, now);
  // A schedule goes on after its agent was revoked: each occurrence fails for everyone to see, and none waits for ever.
  if (decision?.kind === 'changed') return saveJobChange(ctx, stores, transaction, job, decision.job);
  transaction.afterCommit(() => {
    ctx.services.jobs.events.changed(job);
    ctx.services.jobs.dispatcher.wake();
  });
  return job;
}

/** Stable for one user, so that "jobs I started" can be told. */
export function requester(ctx: Context): string {
  return ctx.principal.kind === 'user' ? `user:${ctx.principal.userId}` : describePrincipal(ctx.principal);
}
