import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import type { Job, JobRef } from '../../jobs/domain/job.js';
import { requireHeldJob } from '../../jobs/use-cases/authorize-session.js';
import { stateAfterPoint } from '../../protected-items/domain/protected-item.js';
import type { Stores } from '../../stores.js';
import { serverIdentity } from '../../vaults/use-cases/server-identity.js';
import { followsChain } from '../domain/next-point.js';
import type { PointStatement } from '../domain/recovery-point.js';
import { openPoint, type SignedPoint } from '../point-object.js';
import { requireGateway } from './require-gateway.js';

export interface RecordPointInput {
  readonly agentId: string;
  readonly job: JobRef;
  readonly pointId: string;
  readonly signedPoint: Uint8Array;
}

/**
 * The point's object is durable: the catalog takes it in, with the item's state, in one transaction that the job's
 * epoch fences. Idempotent. Throws Integrity for an object that this server did not sign for this job, Locked when
 * the item got another point first (prepare again), IllegalState for a fenced job.
 */
export async function recordPoint(ctx: Context, input: RecordPointInput): Promise<void> {
  requireGateway(ctx);
  await ctx.unitOfWork.run(async (stores) => {
    const signed = openPoint((await serverIdentity(stores)).signingPublicKey, input.signedPoint);
    if (signed.point.id !== input.pointId || signed.point.jobId !== input.job.jobId) throw forAnother();
    const known = await stores.recoveryPoints.get(input.pointId);
    if (known?.objectSha256.equals(signed.objectSha256)) return;
    const job = await requireHeldJob(ctx, stores, input.agentId, input.job);
    checkIsOfJob(signed.point, job);
    if (!followsChain(signed.point, await stores.recoveryPoints.chainEnd(job.protectedItemId))) {
      throw new HoldfastError({
        kind: 'Locked',
        code: 'ITEM_MOVED_ON',
        message: 'The item got another recovery point meanwhile: prepare this one again.',
      });
    }
    await takeIn(ctx, stores, signed, job.subscriptionId);
    await stores.recoveryPoints.removePrepared(job.id);
  });
}

/** The point's row, its item's state and the audit row. */
export async function takeIn(
  ctx: Context,
  stores: Stores,
  { point, objectSha256 }: SignedPoint,
  subscriptionId: string,
): Promise<void> {
  await stores.recoveryPoints.insert({ ...point, objectSha256, state: 'LIVE' }, subscriptionId);
  const item = await stores.protectedItems.get(point.itemId);
  if (item) await stores.protectedItems.setState(item.id, stateAfterPoint(item.state));
  await stores.audit.append(ctx, {
    action: 'recordPoint',
    outcome: 'SUCCEEDED',
    target: { type: 'RecoveryPoint', id: point.id },
  });
}

function checkIsOfJob(point: PointStatement, job: Job): void {
  const same = point.vaultId === job.vaultId && point.itemId === job.protectedItemId && point.agentId === job.agentId;
  if (!same) throw forAnother();
}

function forAnother(): HoldfastError {
  return new HoldfastError({
    kind: 'Integrity',
    code: 'POINT_OF_ANOTHER_JOB',
    message: 'The recovery point was signed for another job.',
  });
}
