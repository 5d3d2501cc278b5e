import type { FilterQuery } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/sql';
import { mapPage, paginate } from '../../../platform/db/paginate.js';
import { orConflict } from '../../../platform/db/unique-violation.js';
import type { Page, PageRequest } from '../../../platform/page.js';
import type { Scope } from '../../access/domain/scope.js';
import type { DomainRecord, LogRecord, Vault } from '../domain/vault.js';
import type { VaultFilter, VaultStore } from '../ports.js';
import { withinScopes } from './scope-filter.js';
import { VaultDomainRow, VaultLogRow, VaultRow } from './vault.entity.js';

// Rows change by statements, so what an entity manager remembers of them would be old.
const FRESH = { disableIdentityMap: true } as const;

export class MikroVaultStore implements VaultStore {
  constructor(
    private readonly em: SqlEntityManager,
    private readonly ports: { readonly newId: () => string },
  ) {}

  async insert(vault: Vault): Promise<void> {
    await orConflict(
      this.em.insert(VaultRow, toRow(vault)),
      'VAULT_NAME_TAKEN',
      `A vault named ${vault.name} exists in this subscription.`,
    );
  }

  async get(id: string): Promise<Vault | undefined> {
    return optional(await this.em.findOne(VaultRow, { id }, FRESH), toVault);
  }

  async getMany(ids: readonly string[]): Promise<Vault[]> {
    return (await this.em.find(VaultRow, { id: { $in: [...ids] } }, FRESH)).map(toVault);
  }

  async findByName(subscriptionId: string, name: string): Promise<Vault | undefined> {
    return optional(await this.em.findOne(VaultRow, { subscriptionId, name }, FRESH), toVault);
  }

  async markReady(id: string): Promise<boolean> {
    return (await this.em.nativeUpdate(VaultRow, { id, state: 'CREATING' }, { state: 'READY' })) === 1;
  }

  async giveUp(id: string): Promise<void> {
    if ((await this.em.nativeDelete(VaultRow, { id, state: 'CREATING' })) === 1)
      await this.em.nativeDelete(VaultDomainRow, { vaultId: id });
  }

  async confirmRecoveryKit(id: string, at: number): Promise<void> {
    await this.em.nativeUpdate(VaultRow, { id, recoveryKitConfirmedAt: null }, { recoveryKitConfirmedAt: at });
  }

  async list(scopes: readonly Scope[], filter: VaultFilter, page: PageRequest): Promise<Page<Vault>> {
    const visible = withinScopes<VaultRow>(scopes, { subscription: 'subscriptionId', vault: 'id' });
    if (visible === undefined) return { items: [], hasNextPage: false };
    const where = {
      $and: [
        visible,
        { state: 'READY' },
        filter.subscriptionId === undefined ? {} : { subscriptionId: filter.subscriptionId },
        filter.name === undefined ? {} : { name: filter.name },
      ],
    } as FilterQuery<VaultRow>;
    return mapPage(await paginate(this.em, VaultRow, where, 'createdAt', page), toVault);
  }

  async allReady(): Promise<Vault[]> {
    return (await this.em.find(VaultRow, { state: 'READY' }, { ...FRESH, orderBy: { id: 'asc' } })).map(toVault);
  }

  async appendLog(entry: LogRecord, sha256: Buffer): Promise<boolean> {
    const taken = await this.em.nativeUpdate(
      VaultRow,
      { id: entry.vaultId, logNumber: entry.number - 1 },
      { logNumber: entry.number, logSha256: sha256 },
    );
    if (taken !== 1) return false;
    await this.em.insert(VaultLogRow, {
      id: this.ports.newId(),
      vaultId: entry.vaultId,
      number: entry.number,
      signed: entry.signed,
    });
    return true;
  }

  async unwrittenLog(limit: number, exceptVaultIds: readonly string[]): Promise<LogRecord[]> {
    const rows = await this.em.find(
      VaultLogRow,
      { vaultId: { $nin: [...exceptVaultIds] } },
      { ...FRESH, orderBy: [{ vaultId: 'asc' }, { number: 'asc' }], limit },
    );
    return rows.map(({ vaultId, number, signed }) => ({ vaultId, number, signed }));
  }

  async markLogWritten(vaultId: string, number: number): Promise<void> {
    await this.em.nativeDelete(VaultLogRow, { vaultId, number });
  }

  async insertDomain(domain: DomainRecord): Promise<void> {
    const row = {
      id: domain.id,
      vaultId: domain.vaultId,
      itemId: domain.itemId ?? null,
      message: domain.message,
      stored: domain.stored,
    };
    await orConflict(this.em.insert(VaultDomainRow, row), 'DOMAIN_EXISTS', 'The item has a dedup domain already.');
  }

  async getDomain(id: string): Promise<DomainRecord | undefined> {
    return optional(await this.em.findOne(VaultDomainRow, { id }, FRESH), toDomain);
  }

  async domainOfItem(itemId: string): Promise<DomainRecord | undefined> {
    return optional(await this.em.findOne(VaultDomainRow, { itemId }, FRESH), toDomain);
  }

  async domainOfVault(vaultId: string): Promise<DomainRecord | undefined> {
    return optional(await this.em.findOne(VaultDomainRow, { vaultId, itemId: null }, FRESH), toDomain);
  }

  async markDomainStored(id: string): Promise<void> {
    await this.em.nativeUpdate(VaultDomainRow, { id }, { stored: true });
  }
}

function optional<Row, T>(row: Row | null, map: (row: Row) => T): T | undefined {
  return row === null ? undefined : map(row);
}

function toRow({ recoveryKitConfirmedAt, ...vault }: Vault) {
  return { ...vault, recoveryKitConfirmedAt: recoveryKitConfirmedAt ?? null };
}

function toVault(row: VaultRow): Vault {
  return {
    id: row.id,
    subscriptionId: row.subscriptionId,
    regionId: row.regionId,
    name: row.name,
    kind: row.kind,
    redundancy: row.redundancy,
    dedupDomain: row.dedupDomain,
    state: row.state,
    storeUrl: row.storeUrl,
    descriptor: row.descriptor,
    logNumber: row.logNumber,
    logSha256: row.logSha256,
    createdAt: row.createdAt,
    ...(row.recoveryKitConfirmedAt === null ? {} : { recoveryKitConfirmedAt: row.recoveryKitConfirmedAt }),
  };
}

function toDomain(row: VaultDomainRow): DomainRecord {
  return {
    id: row.id,
    vaultId: row.vaultId,
    message: row.message,
    stored: row.stored,
    ...(row.itemId === null ? {} : { itemId: row.itemId }),
  };
}
