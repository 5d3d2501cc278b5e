import { uuidToBytes } from '@holdfast/core/ids';
import type { Context } from '../../../platform/context.js';
import { appendLog } from '../../vaults/use-cases/append-log.js';
import type { RecoveryPoint } from '../domain/recovery-point.js';
import { refuseWhileRestored } from './refuse-while-restored.js';
import { requirePoint } from './require-point.js';

/** Marks a point deleted, in the catalog and in the vault's log. Its space is not given back yet. Throws IllegalState while it is being restored. */
export async function deleteRecoveryPoint(
  ctx: Context,
  input: { readonly recoveryPointId: string },
): Promise<RecoveryPoint> {
  return ctx.unitOfWork.run(async (stores, transaction) => {
    const { point, vault } = await requirePoint(ctx, stores, 'point.delete', input.recoveryPointId);
    await refuseWhileRestored(stores, point.itemId, [point.id]);
    await stores.recoveryPoints.markDeleted(point.id, ctx.clock.now());
    await appendLog(ctx, stores, vault, [{ $case: 'pointDeleted', value: { pointId: uuidToBytes(point.id) } }]);
    await stores.audit.append(ctx, {
      action: 'deleteRecoveryPoint',
      outcome: 'SUCCEEDED',
      target: { type: 'RecoveryPoint', id: point.id },
    });
    transaction.afterCommit(() => ctx.services.vaultLog.wake());
    return point;
  });
}
