import type { Context } from '../../../platform/context.js';
import { authorize } from '../../access/authorize.js';
import type { RecoveryPoint } from '../domain/recovery-point.js';

/** Undefined when there is none or it was deleted; throws NotFound when the caller may not know of it. */
export async function getRecoveryPoint(ctx: Context, id: string): Promise<RecoveryPoint | undefined> {
  return ctx.unitOfWork.run(async (stores) => {
    const point = await stores.recoveryPoints.get(id);
    const vault = point && (await stores.vaults.get(point.vaultId));
    if (!vault) return undefined;
    await authorize(ctx, stores, 'point.read', { subscriptionId: vault.subscriptionId, vaultId: vault.id });
    return point.state === 'LIVE' ? point : undefined;
  });
}
