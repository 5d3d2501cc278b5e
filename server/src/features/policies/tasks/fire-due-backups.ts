import type { Context } from '../../../platform/context.js';
import { SERVER } from '../../access/domain/scope.js';
import { enqueueJob } from '../../jobs/use-cases/enqueue-job.js';
import type { ProtectedItem } from '../../protected-items/domain/protected-item.js';
import { decideBackup } from '../domain/schedule.js';

const BATCH = 100;

/**
 * Starts the backups that are due. Each item's place in its schedule moves on in the transaction that queues its
 * job, if it still stands where it was seen: so every occurrence is served once, by whichever replica is first,
 * through crashes and restarts. True when there may be more.
 */
export async function fireDueBackups(ctx: Context): Promise<boolean> {
  const due = await ctx.unitOfWork.run((stores) => stores.protectedItems.due(ctx.clock.now(), BATCH));
  for (const item of due) await fireItem(ctx, item);
  return due.length === BATCH;
}

async function fireItem(ctx: Context, item: ProtectedItem): Promise<void> {
  await ctx.unitOfWork.run(async (stores, transaction) => {
    const policy = item.policyId === undefined ? undefined : await stores.policies.get(item.policyId);
    if (!policy || item.servedUntil === undefined) return;
    const { run, nextAtMs } = decideBackup(
      policy.schedule,
      { id: item.id, servedUntil: item.servedUntil },
      ctx.clock.now(),
    );
    const place = { servedUntil: run?.occurrenceMs ?? item.servedUntil, nextBackupAt: nextAtMs };
    if (!(await stores.protectedItems.advanceSchedule(item.id, item.servedUntil, place)) || !run) return;
    // A backup that still waits, for an agent that is away perhaps, will do for this occurrence too.
    const waiting = await stores.jobs.list(
      [SERVER],
      { protectedItemId: item.id, kind: 'BACKUP', states: ['QUEUED'] },
      { first: 1 },
    );
    if (waiting.items.length > 0) {
      ctx.log.info({ itemId: item.id, occurrence: run.occurrenceMs }, 'schedule.still-waiting');
      return;
    }
    const job = await enqueueJob(ctx, stores, transaction, {
      kind: 'BACKUP',
      subscriptionId: item.subscriptionId,
      vaultId: item.vaultId,
      protectedItemId: item.id,
      agentId: item.agentId,
      payload: {},
      requestedBackupType: policy.schedule.backupType,
    });
    await stores.audit.append(ctx, {
      action: 'scheduledBackup',
      outcome: 'SUCCEEDED',
      target: { type: 'Job', id: job.id },
      ...(run.catchesUp && { reason: 'CATCHES_UP' }),
    });
  });
}
