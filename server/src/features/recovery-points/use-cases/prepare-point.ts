import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import type { BackupType, JobCounters, JobRef } from '../../jobs/domain/job.js';
import { requireHeldJob } from '../../jobs/use-cases/authorize-session.js';
import { requireVault } from '../../vaults/use-cases/require-vault.js';
import { serverIdentity } from '../../vaults/use-cases/server-identity.js';
import { followsChain, nextPoint } from '../domain/next-point.js';
import { openPoint, signPoint } from '../point-object.js';
import { domainOf } from './item-domain.js';

export interface PreparePointInput {
  readonly agentId: string;
  readonly job: JobRef;
  readonly rootNode: Uint8Array;
  readonly type: BackupType;
  readonly basePointId?: string;
  readonly counters: JobCounters;
}

export interface PreparedPointObject {
  readonly pointId: string;
  /** SignedObject, encoded: for the gateway to make durable. */
  readonly signedPoint: Buffer;
}

/**
 * Signs the item's next point. Nothing is recorded as a point yet: the object in the store is the commit. Asked again
 * for the same job and root it answers the same object, so that a commit that was interrupted is taken up, unless
 * the item got another point meanwhile. Throws IllegalState for a job that is fenced or not running.
 */
export async function preparePoint(ctx: Context, input: PreparePointInput): Promise<PreparedPointObject> {
  return ctx.unitOfWork.run(async (stores) => {
    const job = await requireHeldJob(ctx, stores, input.agentId, input.job);
    if (job.kind !== 'BACKUP')
      throw new HoldfastError({
        kind: 'Forbidden',
        code: 'NOT_A_BACKUP',
        message: 'Only a backup makes a recovery point.',
      });
    const vault = await requireVault(ctx, stores, 'vault.read', job.vaultId);
    const identity = await serverIdentity(stores);
    const end = await stores.recoveryPoints.chainEnd(job.protectedItemId);
    const earlier = await stores.recoveryPoints.prepared(job.id, input.rootNode);
    if (earlier) {
      const { point, objectSha256 } = openPoint(identity.signingPublicKey, earlier.signed);
      const recorded = (await stores.recoveryPoints.get(point.id))?.objectSha256.equals(objectSha256);
      if (recorded || followsChain(point, end)) return { pointId: point.id, signedPoint: earlier.signed };
    }
    const base = input.basePointId === undefined ? undefined : await stores.recoveryPoints.get(input.basePointId);
    const { bytesWritten: _written, entriesSkipped: _skipped, ...statistics } = input.counters;
    const point = nextPoint(
      { ...input, statistics },
      {
        pointId: ctx.newId(),
        vaultId: vault.id,
        itemId: job.protectedItemId,
        domainId: (await domainOf(stores, vault, job.protectedItemId)).id,
        agentId: input.agentId,
        jobId: job.id,
        now: ctx.clock.now(),
        ...(end && { end }),
        ...(base?.itemId === job.protectedItemId && { base }),
      },
    );
    const signedPoint = signPoint(ctx.services.keys.signer(identity), point).bytes;
    await stores.recoveryPoints.putPrepared({
      id: point.id,
      jobId: job.id,
      rootNode: point.rootNode,
      signed: signedPoint,
    });
    return { pointId: point.id, signedPoint };
  });
}
