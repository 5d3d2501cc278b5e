import { HoldfastError } from '@holdfast/core/errors';
import type { FilterQuery, FindOptions } from '@mikro-orm/core';
import { LockMode, UniqueConstraintViolationException } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/sql';
import { dialectOf } from '../../../platform/db/database.js';
import { mapPage, paginate } from '../../../platform/db/paginate.js';
import type { Page, PageRequest } from '../../../platform/page.js';
import type { Scope } from '../../access/domain/scope.js';
import { withinScopes } from '../../vaults/persistence/scope-filter.js';
import type { Job, JobNotice, JobRef } from '../domain/job.js';
import { ACTIVE_STATES } from '../domain/job.js';
import type { JobFilter, JobStore } from '../ports.js';
import { JobNoticeRow, JobRow } from './job.entity.js';
import { toJob, toRow } from './job-row.js';

const NOTICES_PER_INSERT = 200;
const ACTIVE = { $in: [...ACTIVE_STATES] };
// Rows change by statements, so what an entity manager remembers of them would be old.
const FRESH = { disableIdentityMap: true } as const;

export class MikroJobStore implements JobStore {
  constructor(
    private readonly em: SqlEntityManager,
    private readonly ports: { readonly newId: () => string },
  ) {}

  async insert(job: Job): Promise<void> {
    await this.em.insert(JobRow, toRow(job));
  }

  async get(id: string): Promise<Job | undefined> {
    return (await this.find({ id }))[0];
  }

  getMany(ids: readonly string[]): Promise<Job[]> {
    return this.find({ id: { $in: [...ids] } });
  }

  async lock(id: string): Promise<Job | undefined> {
    return (await this.find({ id }, { lockMode: LockMode.PESSIMISTIC_WRITE }))[0];
  }

  async save(job: Job): Promise<void> {
    const { id, ...columns } = toRow(job);
    try {
      await this.em.nativeUpdate(JobRow, { id }, columns);
    } catch (cause) {
      if (!(cause instanceof UniqueConstraintViolationException)) throw cause;
      throw new HoldfastError({
        kind: 'Locked',
        code: 'ITEM_BUSY',
        message: 'Another job of the same item has just started.',
        cause,
      });
    }
  }

  async lockNextClaimable(question: {
    readonly agentIds: readonly string[];
    readonly now: number;
    readonly agentLimit: number;
  }): Promise<Job | undefined> {
    if (question.agentIds.length === 0) return undefined;
    const skipLocked = dialectOf(this.em) === 'postgresql' ? ' for update of j skip locked' : '';
    const rows = await this.em.execute<{ id: string }[]>(
      `select j.id from job j
       where j.state = 'QUEUED' and j.not_before <= ? and j.agent_id in (${question.agentIds.map(() => '?').join(', ')})
         and not exists (select 1 from job busy where busy.active_item_id = j.protected_item_id)
         and (select count(*) from job held where held.agent_id = j.agent_id and held.state in ('DISPATCHED', 'RUNNING')) < ?
       order by case j.kind when 'RESTORE' then 0 else 1 end, j.created_at, j.id
       limit 1${skipLocked}`,
      [question.now, ...question.agentIds, question.agentLimit],
    );
    return rows[0] && this.get(rows[0].id);
  }

  lockExpired(now: number, limit: number): Promise<Job[]> {
    return this.find(
      { state: ACTIVE, leaseUntil: { $lte: now } },
      { orderBy: { leaseUntil: 'ASC' }, limit, lockMode: LockMode.PESSIMISTIC_PARTIAL_WRITE },
    );
  }

  lockUnfinishedOfAgent(agentId: string): Promise<Job[]> {
    return this.find(
      { agentId, state: { $in: ['QUEUED', ...ACTIVE_STATES] } },
      { orderBy: { id: 'ASC' }, lockMode: LockMode.PESSIMISTIC_WRITE },
    );
  }

  async renewLeases(agentId: string, jobs: readonly JobRef[], leaseUntil: number): Promise<JobRef[]> {
    const held: JobRef[] = [];
    for (const job of jobs) {
      const where = { id: job.jobId, epoch: job.epoch, agentId, state: ACTIVE };
      const renewed = await this.em.nativeUpdate(JobRow, { ...where, cancelRequestedAt: null }, { leaseUntil });
      if (renewed === 1 || (await this.em.count(JobRow, where)) === 1) held.push(job);
    }
    return held;
  }

  activeOfItems(itemIds: readonly string[]): Promise<Job[]> {
    return this.find({ activeItemId: { $in: [...itemIds] } });
  }

  async activeCountOfAgents(agentIds: readonly string[]): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (const { agentId } of await this.find({ agentId: { $in: [...agentIds] }, state: ACTIVE }))
      counts.set(agentId, (counts.get(agentId) ?? 0) + 1);
    return counts;
  }

  async list(scopes: readonly Scope[], filter: JobFilter, page: PageRequest): Promise<Page<Job>> {
    const visible = withinScopes<JobRow>(scopes, { subscription: 'subscriptionId', vault: 'vaultId' });
    if (visible === undefined) return { items: [], hasNextPage: false };
    const { states, ...equal } = filter;
    const wanted = Object.fromEntries(Object.entries(equal).filter(([, value]) => value !== undefined));
    const where = {
      $and: [visible, wanted, states === undefined ? {} : { state: { $in: [...states] } }],
    } as FilterQuery<JobRow>;
    return mapPage(await paginate(this.em, JobRow, where, 'createdAt', page), toJob);
  }

  async putNotices(jobId: string, notices: readonly JobNotice[]): Promise<void> {
    await this.em.nativeDelete(JobNoticeRow, { jobId });
    const rows = notices.map((notice, position) => ({
      id: this.ports.newId(),
      jobId,
      position,
      path: Buffer.from(notice.path),
      kind: notice.kind,
      message: notice.message,
    }));
    for (let from = 0; from < rows.length; from += NOTICES_PER_INSERT)
      await this.em.insertMany(JobNoticeRow, rows.slice(from, from + NOTICES_PER_INSERT));
  }

  async notices(jobId: string): Promise<JobNotice[]> {
    const rows = await this.em.find(JobNoticeRow, { jobId }, { orderBy: { position: 'ASC' }, ...FRESH });
    return rows.map(({ path, kind, message }) => ({ path, kind, message }));
  }

  private async find(
    where: FilterQuery<JobRow>,
    options: Pick<FindOptions<JobRow>, 'orderBy' | 'limit' | 'lockMode'> = {},
  ): Promise<Job[]> {
    return (await this.em.find(JobRow, where, { ...options, ...FRESH })).map((row) => toJob(row));
  }
}
