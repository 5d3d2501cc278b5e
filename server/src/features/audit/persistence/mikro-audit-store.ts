import type { Clock } from '@holdfast/core/clock';
import type { IdSource } from '@holdfast/core/ids';
import type { SqlEntityManager } from '@mikro-orm/sql';
import { mapPage, paginate } from '../../../platform/db/paginate.js';
import { isStorableText } from '../../../platform/db/storable-text.js';
import type { Page, PageRequest } from '../../../platform/page.js';
import { describePrincipal } from '../../access/domain/principal.js';
import type { AuditEntry, AuditEvent, AuditFilter, AuditOrigin, AuditStore } from '../ports.js';
import { AuditEventRow } from './audit-event.entity.js';

const MAX_TEXT = 500;
const MAX_COUNT = 2 ** 31 - 1;

export class MikroAuditStore implements AuditStore {
  constructor(
    private readonly em: SqlEntityManager,
    private readonly ports: { readonly clock: Clock; readonly newId: IdSource },
  ) {}

  async append(origin: AuditOrigin, entry: AuditEntry): Promise<void> {
    await this.em.insert(AuditEventRow, {
      id: this.ports.newId(),
      at: this.ports.clock.now(),
      actor: describePrincipal(origin.principal).slice(0, MAX_TEXT),
      action: entry.action,
      targetType: entry.target?.type ?? null,
      targetId: entry.target?.id ?? null,
      outcome: entry.outcome,
      reason: entry.reason?.slice(0, MAX_TEXT) ?? null,
      address: origin.address ?? null,
      count: Math.min(entry.repeated?.count ?? 1, MAX_COUNT),
      firstAt: entry.repeated?.firstAt ?? null,
      lastAt: entry.repeated?.lastAt ?? null,
    });
  }

  async get(id: string): Promise<AuditEvent | undefined> {
    const row = await this.em.findOne(AuditEventRow, { id });
    return row === null ? undefined : toEvent(row);
  }

  async list(filter: AuditFilter, page: PageRequest): Promise<Page<AuditEvent>> {
    if (!isStorableText(`${filter.actor} ${filter.action}`)) return { items: [], hasNextPage: false };
    const where = {
      ...(filter.actor === undefined ? {} : { actor: filter.actor }),
      ...(filter.action === undefined ? {} : { action: filter.action }),
      ...(filter.outcome === undefined ? {} : { outcome: filter.outcome }),
    };
    return mapPage(await paginate(this.em, AuditEventRow, where, 'at', page), toEvent);
  }
}

function toEvent(row: AuditEventRow): AuditEvent {
  return {
    id: row.id,
    at: row.at,
    actor: row.actor,
    action: row.action,
    outcome: row.outcome,
    ...(row.targetType === null ? {} : { targetType: row.targetType }),
    ...(row.targetId === null ? {} : { targetId: row.targetId }),
    ...(row.reason === null ? {} : { reason: row.reason }),
    ...(row.address === null ? {} : { address: row.address }),
    repeated: {
      count: row.count,
      ...(row.firstAt === null ? {} : { firstAt: row.firstAt }),
      ...(row.lastAt === null ? {} : { lastAt: row.lastAt }),
    },
  };
}
