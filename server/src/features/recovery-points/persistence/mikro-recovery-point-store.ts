import type { FilterQuery } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/sql';
import { mapPage, paginate } from '../../../platform/db/paginate.js';
import { orConflict } from '../../../platform/db/unique-violation.js';
import type { Page, PageRequest } from '../../../platform/page.js';
import type { Scope } from '../../access/domain/scope.js';
import { withinScopes } from '../../vaults/persistence/scope-filter.js';
import type { ChainEnd, RecoveryPoint } from '../domain/recovery-point.js';
import type { PreparedPoint, RecoveryPointFilter, RecoveryPointStore, VaultTotals } from '../ports.js';
import { PreparedPointRow, QuarantinedPointRow, RecoveryPointRow } from './recovery-point.entity.js';

// Rows change by statements, so what an entity manager remembers of them would be old.
const FRESH = { disableIdentityMap: true } as const;

export class MikroRecoveryPointStore implements RecoveryPointStore {
  constructor(private readonly em: SqlEntityManager) {}

  async insert(
    { statistics, previousSha256, basePointId, deletedAt, ...point }: RecoveryPoint,
    subscriptionId: string,
  ): Promise<void> {
    const row = {
      ...point,
      ...statistics,
      subscriptionId,
      previousSha256: previousSha256 ?? null,
      basePointId: basePointId ?? null,
      deletedAt: deletedAt ?? null,
    };
    await orConflict(
      this.em.insert(RecoveryPointRow, row),
      'POINT_EXISTS',
      'The item has another recovery point in this place.',
    );
  }

  async get(id: string): Promise<RecoveryPoint | undefined> {
    return optional(await this.em.findOne(RecoveryPointRow, { id }, FRESH));
  }

  async getMany(ids: readonly string[]): Promise<RecoveryPoint[]> {
    return (await this.em.find(RecoveryPointRow, { id: { $in: [...ids] } }, FRESH)).map(toPoint);
  }

  async ofJob(jobId: string): Promise<RecoveryPoint | undefined> {
    return optional(await this.em.findOne(RecoveryPointRow, { jobId }, { ...FRESH, orderBy: { sequence: 'desc' } }));
  }

  async atSequence(itemId: string, sequence: number): Promise<RecoveryPoint | undefined> {
    return optional(await this.em.findOne(RecoveryPointRow, { itemId, sequence }, FRESH));
  }

  async chainEnd(itemId: string): Promise<ChainEnd | undefined> {
    return optional(await this.em.findOne(RecoveryPointRow, { itemId }, { ...FRESH, orderBy: { sequence: 'desc' } }));
  }

  async newestLive(itemIds: readonly string[]): Promise<RecoveryPoint[]> {
    if (itemIds.length === 0) return [];
    const newest = await this.em.execute<{ item_id: string; sequence: number | string }[]>(
      `select item_id, max(sequence) as sequence from recovery_point where state = 'LIVE' and item_id in (${placeholders(itemIds)}) group by item_id`,
      [...itemIds],
    );
    if (newest.length === 0) return [];
    const where = { $or: newest.map((row) => ({ itemId: row.item_id, sequence: Number(row.sequence) })) };
    return (await this.em.find(RecoveryPointRow, where, FRESH)).map(toPoint);
  }

  async newestLiveFull(itemId: string): Promise<RecoveryPoint | undefined> {
    return optional(
      await this.em.findOne(
        RecoveryPointRow,
        { itemId, state: 'LIVE', backupType: 'FULL' },
        { ...FRESH, orderBy: { sequence: 'desc' } },
      ),
    );
  }

  async list(scopes: readonly Scope[], filter: RecoveryPointFilter, page: PageRequest): Promise<Page<RecoveryPoint>> {
    const visible = withinScopes<RecoveryPointRow>(scopes, { subscription: 'subscriptionId', vault: 'vaultId' });
    if (visible === undefined) return { items: [], hasNextPage: false };
    const where = {
      $and: [
        visible,
        { state: 'LIVE' },
        filter.protectedItemId === undefined ? {} : { itemId: filter.protectedItemId },
        filter.vaultId === undefined ? {} : { vaultId: filter.vaultId },
      ],
    } as FilterQuery<RecoveryPointRow>;
    return mapPage(await paginate(this.em, RecoveryPointRow, where, 'committedAt', page), toPoint);
  }

  async markDeleted(id: string, at: number): Promise<boolean> {
    return (
      (await this.em.nativeUpdate(RecoveryPointRow, { id, state: 'LIVE' }, { state: 'DELETED', deletedAt: at })) === 1
    );
  }

  async liveIdsOfItem(itemId: string): Promise<string[]> {
    const rows = await this.em.find(
      RecoveryPointRow,
      { itemId, state: 'LIVE' },
      { ...FRESH, fields: ['id'], orderBy: { sequence: 'asc' } },
    );
    return rows.map((row) => row.id);
  }

  async totalsOfVaults(vaultIds: readonly string[]): Promise<Map<string, VaultTotals>> {
    if (vaultIds.length === 0) return new Map();
    // Agents say how much they stored: as an integer the sum of what lies could overflow, and no vault be listed any more.
    const rows = await this.em.execute<
      { vault_id: string; state: string; points: number | string; bytes: number | string }[]
    >(
      `select vault_id, state, count(*) as points, sum(cast(bytes_stored as double precision)) as bytes from recovery_point where vault_id in (${placeholders(vaultIds)}) group by vault_id, state`,
      [...vaultIds],
    );
    const totals = new Map<string, VaultTotals>();
    for (const { vault_id: vaultId, state, points, bytes } of rows) {
      const before = totals.get(vaultId) ?? { recoveryPoints: 0, storedBytes: 0n };
      const live = state === 'LIVE' ? Number(points) : 0;
      totals.set(vaultId, {
        recoveryPoints: before.recoveryPoints + live,
        storedBytes: before.storedBytes + BigInt(Math.round(Number(bytes))),
      });
    }
    return totals;
  }

  async putPrepared({ id, jobId, rootNode, signed }: PreparedPoint): Promise<void> {
    const rootNodeHex = rootNode.toString('hex');
    await this.em.nativeDelete(PreparedPointRow, { jobId, rootNodeHex });
    await this.em.insert(PreparedPointRow, { id, jobId, rootNodeHex, signed });
  }

  async prepared(jobId: string, rootNode: Uint8Array): Promise<PreparedPoint | undefined> {
    const row = await this.em.findOne(
      PreparedPointRow,
      { jobId, rootNodeHex: Buffer.from(rootNode).toString('hex') },
      FRESH,
    );
    return row === null
      ? undefined
      : { id: row.id, jobId, rootNode: Buffer.from(row.rootNodeHex, 'hex'), signed: row.signed };
  }

  async removePrepared(jobId: string): Promise<void> {
    await this.em.nativeDelete(PreparedPointRow, { jobId });
  }

  async quarantine(point: Parameters<RecoveryPointStore['quarantine']>[0]): Promise<void> {
    const known = await this.em.findOne(QuarantinedPointRow, { id: point.id }, FRESH);
    if (known === null) await this.em.insert(QuarantinedPointRow, { ...point });
  }
}

const placeholders = (values: readonly unknown[]): string => values.map(() => '?').join(', ');

function optional(row: RecoveryPointRow | null): RecoveryPoint | undefined {
  return row === null ? undefined : toPoint(row);
}

function toPoint(row: RecoveryPointRow): RecoveryPoint {
  const { entries, files, bytesTotal, bytesRead, bytesChanged, bytesSent, bytesStored, warnings } = row;
  return {
    id: row.id,
    vaultId: row.vaultId,
    itemId: row.itemId,
    sequence: row.sequence,
    objectSha256: row.objectSha256,
    backupType: row.backupType,
    committedAt: row.committedAt,
    rootNode: row.rootNode,
    domainId: row.domainId,
    consistency: row.consistency,
    agentId: row.agentId,
    jobId: row.jobId,
    statistics: { entries, files, bytesTotal, bytesRead, bytesChanged, bytesSent, bytesStored, warnings },
    state: row.state,
    ...(row.previousSha256 === null ? {} : { previousSha256: row.previousSha256 }),
    ...(row.basePointId === null ? {} : { basePointId: row.basePointId }),
    ...(row.deletedAt === null ? {} : { deletedAt: row.deletedAt }),
  };
}
