import { HoldfastError } from '@holdfast/core/errors';
import { uuidToBytes } from '@holdfast/core/ids';
import type { Context } from '../../../platform/context.js';
import { SERVER } from '../../access/domain/scope.js';
import type { Stores } from '../../stores.js';
import { appendLog } from '../../vaults/use-cases/append-log.js';
import type { RecoveryPoint } from '../domain/recovery-point.js';
import { requirePoint } from './require-point.js';

/** Marks a point deleted, in the catalog and in the vault's log. Its space is not given back yet. Throws IllegalState while it is being restored. */
export async function deleteRecoveryPoint(
  ctx: Context,
  input: { readonly recoveryPointId: string },
): Promise<RecoveryPoint> {
  return ctx.unitOfWork.run(async (stores, transaction) => {
    const { point, vault } = await requirePoint(ctx, stores, 'point.delete', input.recoveryPointId);
    await refuseWhileRestored(stores, point);
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

async function refuseWhileRestored(stores: Stores, point: RecoveryPoint): Promise<void> {
  const filter = {
    protectedItemId: point.itemId,
    kind: 'RESTORE',
    states: ['QUEUED', 'DISPATCHED', 'RUNNING'],
  } as const;
  const restores = await stores.jobs.list([SERVER], filter, { first: 200 });
  if (restores.items.some(({ item }) => item.recoveryPointId === point.id)) {
    throw new HoldfastError({
      kind: 'IllegalState',
      code: 'POINT_IN_USE',
      message: 'The recovery point is being restored; cancel that job first.',
    });
  }
}
