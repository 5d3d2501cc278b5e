import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import type { BackupType, Job } from '../../jobs/domain/job.js';
import { enqueueJob } from '../../jobs/use-cases/enqueue-job.js';
import { requireItem } from './require-item.js';

export interface BackupNowInput {
  readonly protectedItemId: string;
  readonly type: BackupType;
}

/** Queues a backup. While another job of the item runs or waits before it, it waits in line and says so. */
export async function backupNow(ctx: Context, input: BackupNowInput): Promise<Job> {
  return ctx.unitOfWork.run(async (stores, transaction) => {
    const item = await requireItem(ctx, stores, 'backup.run', input.protectedItemId);
    if (item.state === 'STOPPED')
      throw new HoldfastError({
        kind: 'IllegalState',
        code: 'PROTECTION_STOPPED',
        message: 'The protection of this item is stopped.',
      });
    const agent = await stores.agents.get(item.agentId);
    if (agent?.revokedAt !== undefined)
      throw new HoldfastError({
        kind: 'IllegalState',
        code: 'AGENT_REVOKED',
        message: 'The agent of this item is revoked.',
      });
    const job = await enqueueJob(ctx, stores, transaction, {
      kind: 'BACKUP',
      subscriptionId: item.subscriptionId,
      vaultId: item.vaultId,
      protectedItemId: item.id,
      agentId: item.agentId,
      payload: {},
      requestedBackupType: input.type,
    });
    await stores.audit.append(ctx, { action: 'backupNow', outcome: 'SUCCEEDED', target: { type: 'Job', id: job.id } });
    return job;
  });
}
