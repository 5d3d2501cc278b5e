import { HoldfastError } from '@holdfast/core/errors';
import { uuidToBytes } from '@holdfast/core/ids';
import type { Context } from '../../../platform/context.js';
import { authorize } from '../../access/authorize.js';
import { refuseWhileRestored } from '../../recovery-points/use-cases/refuse-while-restored.js';
import type { Stores } from '../../stores.js';
import { appendLog } from '../../vaults/use-cases/append-log.js';
import { requireVault } from '../../vaults/use-cases/require-vault.js';
import type { ProtectedItem } from '../domain/protected-item.js';
import { requireItem } from './require-item.js';

export interface StopProtectionInput {
  readonly protectedItemId: string;
  /** False: its recovery points are marked deleted as well. */
  readonly retainData: boolean;
}

/**
 * Ends scheduled backups of an item, and without `retainData` marks its recovery points deleted. Stopping it again
 * with `retainData: false` marks what was retained. A job that runs already ends by itself; with
 * `retainData: false` it throws IllegalState while one of the points is being restored.
 */
export async function stopProtection(ctx: Context, input: StopProtectionInput): Promise<ProtectedItem> {
  return ctx.unitOfWork.run(async (stores, transaction) => {
    const item = await requireItem(ctx, stores, 'item.stop', input.protectedItemId);
    if (!input.retainData)
      await authorize(ctx, stores, 'point.delete', { subscriptionId: item.subscriptionId, vaultId: item.vaultId });
    if (item.state === 'STOPPED' && input.retainData)
      throw new HoldfastError({
        kind: 'IllegalState',
        code: 'ALREADY_STOPPED',
        message: 'The protection of this item is stopped already.',
      });
    if (item.state !== 'STOPPED') await stores.protectedItems.stop(item.id, ctx.clock.now());
    if (!input.retainData) {
      await markPointsDeleted(ctx, stores, item);
      transaction.afterCommit(() => ctx.services.vaultLog.wake());
    }
    await stores.audit.append(ctx, {
      action: 'stopProtection',
      outcome: 'SUCCEEDED',
      target: { type: 'ProtectedItem', id: item.id },
      reason: input.retainData ? 'DATA_RETAINED' : 'DATA_DELETED',
    });
    return (await stores.protectedItems.get(item.id)) ?? item;
  });
}

async function markPointsDeleted(ctx: Context, stores: Stores, item: ProtectedItem): Promise<void> {
  const vault = await requireVault(ctx, stores, 'point.delete', item.vaultId);
  const ids = await stores.recoveryPoints.liveIdsOfItem(item.id);
  await refuseWhileRestored(stores, item.id, ids);
  for (const id of ids) await stores.recoveryPoints.markDeleted(id, ctx.clock.now());
  await appendLog(
    ctx,
    stores,
    vault,
    ids.map((id) => ({ $case: 'pointDeleted', value: { pointId: uuidToBytes(id) } })),
  );
}
