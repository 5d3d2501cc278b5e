import { decodeDomain } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import type { Job } from '../jobs/domain/job.js';
import { type Expected, NOTHING_EXPECTED } from '../jobs/domain/job-command.js';
import type { JobKindHandler } from '../jobs/ports.js';
import type { RecoveryPoint } from '../recovery-points/domain/recovery-point.js';
import type { Stores } from '../stores.js';
import type { Vault } from '../vaults/domain/vault.js';
import { domainSecret, requireDomain } from '../vaults/use-cases/vault-keys.js';
import { fromPayload, type PlannedRestore } from './domain/restore-payload.js';

const SLASH = Buffer.from('/');

/** What the queue asks about restores. */
export const restoreHandler: JobKindHandler = {
  kind: 'RESTORE',

  buildCommand: (ctx, job) =>
    ctx.unitOfWork.run(async (stores) => {
      const { point, vault } = await pointAndVault(stores, job);
      const domain = await requireDomain(stores, vault.id, point.domainId);
      const plan = fromPayload(job.payload);
      const { idKey } = await domainSecret(ctx, stores, vault, domain);
      return {
        kind: 'RESTORE',
        vaultId: vault.id,
        itemId: point.itemId,
        pointId: point.id,
        rootNode: point.rootNode,
        domainId: domain.id,
        idKey,
        transportKey: ctx.services.keys.transportKey(job.id, job.epoch),
        chunkMaxBytes: decodeDomain(domain.message).chunker?.maxBytes ?? 0,
        pointEntries: point.statistics.entries,
        ...plan,
        ...expectedOf(point, plan, (await stores.protectedItems.get(point.itemId))?.files.roots ?? []),
      };
    }),

  // What was restored stands in the job itself.
  async onFinished(ctx, _stores, job, { outcome }) {
    ctx.services.pointAccesses.forget({ jobId: job.id, epoch: job.epoch });
    // It names a point, which would become the job's own.
    if (outcome.kind === 'backup')
      throw new HoldfastError({
        kind: 'IllegalState',
        code: 'NOT_A_BACKUP',
        message: 'The agent reported the end of a backup for a restore.',
      });
  },

  recordedPoint: async () => undefined,

  async sessionScope(_ctx, stores, job) {
    const { point, vault } = await pointAndVault(stores, job);
    return {
      kind: 'RESTORE',
      vault: { vaultId: vault.id, storeUrl: vault.storeUrl },
      itemId: point.itemId,
      domainId: point.domainId,
      rootNode: point.rootNode,
      sourceAgentId: point.agentId,
    };
  },
};

/** The point knows what all of it comes to, give or take the folders that lead to it; of a part the agent finds out. */
function expectedOf(
  { statistics }: RecoveryPoint,
  { select, base }: PlannedRestore,
  roots: readonly Buffer[],
): Expected {
  const holds = (root: Buffer): boolean => root.equals(base) || isBelow(root, base);
  const isAll = base.equals(SLASH) || (roots.length > 0 && roots.every(holds));
  if (select.length > 0 || !isAll) return NOTHING_EXPECTED;
  return { expectedBytes: statistics.bytesTotal, expectedEntries: statistics.entries };
}

function isBelow(path: Buffer, folder: Buffer): boolean {
  return path.subarray(0, folder.length + 1).equals(Buffer.concat([folder, SLASH]));
}

/** Throws IllegalState for a point that was deleted since the job was queued. */
export async function pointAndVault(stores: Stores, job: Job): Promise<{ point: RecoveryPoint; vault: Vault }> {
  const point = job.recoveryPointId === undefined ? undefined : await stores.recoveryPoints.get(job.recoveryPointId);
  const vault = point && (await stores.vaults.get(point.vaultId));
  if (!vault || point.state !== 'LIVE')
    throw new HoldfastError({ kind: 'IllegalState', code: 'POINT_GONE', message: 'The recovery point was deleted.' });
  return { point, vault };
}
