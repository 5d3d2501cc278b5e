import type { FilterQuery } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/sql';
import { mapPage, paginate } from '../../../platform/db/paginate.js';
import type { Page, PageRequest } from '../../../platform/page.js';
import type { Scope } from '../../access/domain/scope.js';
import { withinScopes } from '../../vaults/persistence/scope-filter.js';
import type { FilesDatasource } from '../domain/files-datasource.js';
import type { PreCheck } from '../domain/pre-check.js';
import type { ProtectedItem, ProtectionState } from '../domain/protected-item.js';
import type { ProtectedItemFilter, ProtectedItemStore } from '../ports.js';
import { type FilesDatasourceJson, type PreCheckJson, ProtectedItemRow } from './protected-item.entity.js';

// Rows change by statements, so what an entity manager remembers of them would be old.
const FRESH = { disableIdentityMap: true } as const;

export class MikroProtectedItemStore implements ProtectedItemStore {
  constructor(private readonly em: SqlEntityManager) {}

  async insert({
    files,
    policyId,
    servedUntil,
    nextBackupAt,
    stoppedAt,
    preCheck,
    ...item
  }: ProtectedItem): Promise<void> {
    await this.em.insert(ProtectedItemRow, {
      ...item,
      files: toJson(files),
      policyId: policyId ?? null,
      servedUntil: servedUntil ?? null,
      nextBackupAt: nextBackupAt ?? null,
      stoppedAt: stoppedAt ?? null,
      preCheck: preCheck === undefined ? null : toPreCheckJson(preCheck),
    });
  }

  async get(id: string): Promise<ProtectedItem | undefined> {
    const row = await this.em.findOne(ProtectedItemRow, { id }, FRESH);
    return row === null ? undefined : toItem(row);
  }

  async getMany(ids: readonly string[]): Promise<ProtectedItem[]> {
    return (await this.em.find(ProtectedItemRow, { id: { $in: [...ids] } }, FRESH)).map(toItem);
  }

  async findByName(vaultId: string, name: string): Promise<ProtectedItem | undefined> {
    const row = await this.em.findOne(ProtectedItemRow, { vaultId, name, state: { $ne: 'STOPPED' } }, FRESH);
    return row === null ? undefined : toItem(row);
  }

  async list(scopes: readonly Scope[], filter: ProtectedItemFilter, page: PageRequest): Promise<Page<ProtectedItem>> {
    const visible = withinScopes<ProtectedItemRow>(scopes, { subscription: 'subscriptionId', vault: 'vaultId' });
    if (visible === undefined) return { items: [], hasNextPage: false };
    const asked = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
    const where = { $and: [visible, asked] } as FilterQuery<ProtectedItemRow>;
    return mapPage(await paginate(this.em, ProtectedItemRow, where, 'createdAt', page), toItem);
  }

  async setState(id: string, state: ProtectionState): Promise<void> {
    await this.em.nativeUpdate(ProtectedItemRow, { id }, { state });
  }

  async setPreCheck(id: string, preCheck: PreCheck): Promise<void> {
    await this.em.nativeUpdate(ProtectedItemRow, { id }, { preCheck: toPreCheckJson(preCheck) });
  }

  async stop(id: string, at: number): Promise<void> {
    await this.em.nativeUpdate(ProtectedItemRow, { id }, { state: 'STOPPED', stoppedAt: at, nextBackupAt: null });
  }

  async due(now: number, limit: number): Promise<ProtectedItem[]> {
    const rows = await this.em.find(
      ProtectedItemRow,
      { nextBackupAt: { $lte: now } },
      { ...FRESH, orderBy: [{ nextBackupAt: 'asc' }, { id: 'asc' }], limit },
    );
    return rows.map(toItem);
  }

  async advanceSchedule(
    id: string,
    from: number,
    to: { readonly servedUntil: number; readonly nextBackupAt: number },
  ): Promise<boolean> {
    const where = { id, servedUntil: from, nextBackupAt: { $ne: null } };
    return (
      (await this.em.nativeUpdate(ProtectedItemRow, where, {
        servedUntil: to.servedUntil,
        nextBackupAt: to.nextBackupAt,
      })) === 1
    );
  }
}

function toItem(row: ProtectedItemRow): ProtectedItem {
  return {
    id: row.id,
    name: row.name,
    workload: row.workload,
    files: fromJson(row.files),
    subscriptionId: row.subscriptionId,
    vaultId: row.vaultId,
    agentId: row.agentId,
    state: row.state,
    cacheGeneration: row.cacheGeneration,
    createdAt: row.createdAt,
    ...(row.policyId === null ? {} : { policyId: row.policyId }),
    ...(row.servedUntil === null ? {} : { servedUntil: row.servedUntil }),
    ...(row.nextBackupAt === null ? {} : { nextBackupAt: row.nextBackupAt }),
    ...(row.stoppedAt === null ? {} : { stoppedAt: row.stoppedAt }),
    ...(row.preCheck === null ? {} : { preCheck: fromPreCheckJson(row.preCheck) }),
  };
}

const toText = (paths: readonly Buffer[]): string[] => paths.map((path) => path.toString('base64'));
const toBytes = (paths: readonly string[]): Buffer[] => paths.map((path) => Buffer.from(path, 'base64'));

function toJson(files: FilesDatasource): FilesDatasourceJson {
  return {
    roots: toText(files.roots),
    include: toText(files.include),
    exclude: toText(files.exclude),
    oneFileSystem: files.oneFileSystem,
  };
}

function fromJson(json: FilesDatasourceJson): FilesDatasource {
  return {
    roots: toBytes(json.roots),
    include: toBytes(json.include),
    exclude: toBytes(json.exclude),
    oneFileSystem: json.oneFileSystem,
  };
}

function toPreCheckJson({ status, checkedAt, troubles }: PreCheck): PreCheckJson {
  return {
    status,
    checkedAt,
    troubles: troubles.map(({ path, message }) => ({ path: Buffer.from(path).toString('base64'), message })),
  };
}

function fromPreCheckJson({ status, checkedAt, troubles }: PreCheckJson): PreCheck {
  return {
    status,
    checkedAt,
    troubles: troubles.map(({ path, message }) => ({ path: Buffer.from(path, 'base64'), message })),
  };
}
