import type { Context, Transaction } from '../../../platform/context.js';
import type { Stores } from '../../stores.js';
import { revokeHolder } from '../domain/job-machine.js';
import { saveJobChange } from './save-job-change.js';

/** Part of revoking an agent: nothing of its waits or runs any more. */
export async function failJobsOfAgent(
  ctx: Context,
  stores: Stores,
  transaction: Transaction,
  agentId: string,
): Promise<void> {
  for (const job of await stores.jobs.lockUnfinishedOfAgent(agentId)) {
    const decision = revokeHolder(job, ctx.clock.now());
    if (decision.kind === 'changed') await saveJobChange(ctx, stores, transaction, job, decision.job);
  }
}
