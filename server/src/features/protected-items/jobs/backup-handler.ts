import { decodeDomain } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import type { Job } from '../../jobs/domain/job.js';
import type { BackupCommand, DomainKeysForAgent } from '../../jobs/domain/job-command.js';
import type { JobKindHandler } from '../../jobs/ports.js';
import { domainOf } from '../../recovery-points/use-cases/item-domain.js';
import type { Stores } from '../../stores.js';
import type { DomainRecord, Vault } from '../../vaults/domain/vault.js';
import { domainForItem } from '../../vaults/use-cases/domain-for-item.js';
import { domainSecret } from '../../vaults/use-cases/vault-keys.js';
import { judgeRoots } from '../domain/pre-check.js';
import type { ProtectedItem } from '../domain/protected-item.js';

/** What the queue asks about backups. */
export const backupHandler: JobKindHandler = {
  kind: 'BACKUP',

  async buildCommand(ctx, job) {
    const { item, vault } = await ctx.unitOfWork.run((stores) => itemAndVault(stores, job));
    if (item.state === 'STOPPED')
      throw refused('PROTECTION_STOPPED', 'The protection of this item was stopped before the backup began.');
    const domain = await domainForItem(ctx, vault, item.id);
    return ctx.unitOfWork.run((stores) => backupCommand(ctx, stores, job, item, vault, domain));
  },

  async onFinished(ctx, stores, job, { outcome, rootTroubles }) {
    await stores.recoveryPoints.removePrepared(job.id);
    if (outcome.kind === 'restore')
      throw refused('NOT_A_RESTORE', 'The agent reported the end of a restore for a backup.');
    if (outcome.kind === 'backup') {
      const point = await stores.recoveryPoints.get(outcome.pointId);
      if (point?.jobId !== job.id)
        throw refused('POINT_NOT_RECORDED', 'The agent named a recovery point that was never recorded for this job.');
    }
    const item = rootTroubles && (await stores.protectedItems.get(job.protectedItemId));
    if (item)
      await stores.protectedItems.setPreCheck(item.id, judgeRoots(item.files.roots, rootTroubles, ctx.clock.now()));
  },

  async recordedPoint(stores, job) {
    const point = await stores.recoveryPoints.ofJob(job.id);
    if (!point) return undefined;
    return {
      recoveryPointId: point.id,
      backupType: point.backupType,
      counters: { ...point.statistics, bytesWritten: 0n, entriesSkipped: 0n },
    };
  },

  async sessionScope(_ctx, stores, job) {
    const { item, vault } = await itemAndVault(stores, job);
    return {
      kind: 'BACKUP',
      vault: { vaultId: vault.id, storeUrl: vault.storeUrl },
      itemId: item.id,
      domainId: (await domainOf(stores, vault, item.id)).id,
    };
  },
};

async function itemAndVault(stores: Stores, job: Job): Promise<{ item: ProtectedItem; vault: Vault }> {
  const item = await stores.protectedItems.get(job.protectedItemId);
  const vault = await stores.vaults.get(job.vaultId);
  if (!item || vault?.state !== 'READY') throw refused('ITEM_GONE', 'The item or its vault is not there any more.');
  return { item, vault };
}

async function backupCommand(
  ctx: Context,
  stores: Stores,
  job: Job,
  item: ProtectedItem,
  vault: Vault,
  domain: DomainRecord,
): Promise<BackupCommand> {
  const [last] = await stores.recoveryPoints.newestLive([item.id]);
  const lastFull = await stores.recoveryPoints.newestLiveFull(item.id);
  return {
    kind: 'BACKUP',
    vaultId: vault.id,
    itemId: item.id,
    domain: await keysForAgent(ctx, stores, vault, domain),
    type: job.requestedBackupType ?? 'INCREMENTAL',
    files: item.files,
    cacheGeneration: item.cacheGeneration,
    // Files come and go; the last time is still the best guess.
    expectedBytes: last?.statistics.bytesTotal ?? 0n,
    expectedEntries: last?.statistics.entries ?? 0n,
    ...(last && { lastPointId: last.id }),
    ...(lastFull && { lastFullPointId: lastFull.id }),
  };
}

/** Enough to name, cut and seal chunks. The private key stays here: an agent cannot read what it wrote. */
async function keysForAgent(
  ctx: Context,
  stores: Stores,
  vault: Vault,
  record: DomainRecord,
): Promise<DomainKeysForAgent> {
  const { kemId, publicKey, chunker } = decodeDomain(record.message);
  const { idKey, chunkerKey } = await domainSecret(ctx, stores, vault, record);
  if (!chunker)
    throw new HoldfastError({
      kind: 'Integrity',
      code: 'MALFORMED_DOMAIN',
      message: 'The dedup domain has no chunker parameters.',
    });
  return {
    domainId: record.id,
    kemId,
    publicKey,
    idKey,
    chunkerKey,
    chunkMinBytes: chunker.minBytes,
    chunkNormalBytes: chunker.normalBytes,
    chunkMaxBytes: chunker.maxBytes,
  };
}

function refused(code: string, message: string): HoldfastError {
  return new HoldfastError({ kind: 'IllegalState', code, message });
}
