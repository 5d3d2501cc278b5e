import type { Context, Transaction } from '../../../platform/context.js';
import type { Stores } from '../../stores.js';
import type { Job } from '../domain/job.js';
import { isActive, isFinal } from '../domain/job.js';
import { appendToOutbox } from './append-to-outbox.js';

/** Saves what was decided about a locked job, with all that follows from it: whoever decides, nothing is forgotten. */
export async function saveJobChange(
  ctx: Context,
  stores: Stores,
  transaction: Transaction,
  before: Job,
  decided: Job,
): Promise<Job> {
  const { progress, events, dispatcher, failureWebhook } = ctx.services.jobs;
  const last = progress.of(before.id)?.counters;
  const after =
    isFinal(decided) && decided.counters === undefined && last !== undefined ? { ...decided, counters: last } : decided;
  await stores.jobs.save(after);
  // The old epoch is worth nothing any more; the gateway must not find that out only at the commit.
  if (isActive(before) && !isActive(after))
    await appendToOutbox(ctx, stores, transaction, 'END_SESSIONS', { jobId: after.id, epoch: before.epoch });
  if (after.state === 'FAILED' && failureWebhook)
    await appendToOutbox(ctx, stores, transaction, 'FAILURE_WEBHOOK', { jobId: after.id });
  transaction.afterCommit(() => {
    if (!isActive(after)) progress.forget(after.id);
    events.changed(after);
    dispatcher.wake();
  });
  return after;
}
