import { beforeAll, expect, it } from 'vitest';
import type { TestDatabase } from '../../../platform/db/testing.js';
import { describeOnEachDatabase } from '../../../platform/db/testing.js';
import type { Job } from '../domain/job.js';
import { claim, LEASE_MS } from '../domain/job-machine.js';

const uuid = (n: number): string => `01901234-5678-7abc-8def-${n.toString(16).padStart(12, '0')}`;
let serial = 0;

describeOnEachDatabase('the job store', (open) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await open();
  });

  function job(overrides: Partial<Job> = {}): Job {
    const n = ++serial;
    return {
      id: uuid(0x1000 + n),
      kind: 'BACKUP',
      state: 'QUEUED',
      subscriptionId: uuid(1),
      vaultId: uuid(2),
      protectedItemId: uuid(0x2000 + n),
      agentId: uuid(0x3000 + n),
      requestedBy: 'user:u',
      payload: { roots: ['/a\\xff'], n: 1 },
      attempt: 1,
      epoch: 0,
      notBefore: 0,
      createdAt: n,
      noticesTotal: 0,
      ...overrides,
    };
  }
  const insert = (...jobs: Job[]): Promise<void> =>
    db.unitOfWork.run(async (stores) => {
      for (const each of jobs) await stores.jobs.insert(each);
    });
  const claimFor = (agentIds: string[], now = 100, agentLimit = 4): Promise<Job | undefined> =>
    db.unitOfWork.run(
      async (stores) => {
        const next = await stores.jobs.lockNextClaimable({ agentIds, now, agentLimit });
        const decision = next && claim(next, now);
        if (decision?.kind !== 'changed') return undefined;
        await stores.jobs.save(decision.job);
        return decision.job;
      },
      { isolation: 'read-committed' },
    );
  const get = (id: string): Promise<Job | undefined> => db.unitOfWork.run((stores) => stores.jobs.get(id));

  it('gives back what was put in, with every field set and with none', async () => {
    const bare = job();
    const full = job({
      kind: 'RESTORE',
      state: 'RUNNING',
      requestedBackupType: 'FULL',
      backupType: 'INCREMENTAL',
      backupTypeReason: 'why',
      recoveryPointId: uuid(9),
      attempt: 2,
      epoch: 7,
      leaseUntil: 1_900_000_000_123,
      cancelRequestedAt: 4,
      startedAt: 5,
      finishedAt: 6,
      error: { code: 'TIMEOUT', message: 'late' },
      previousAttemptError: { code: 'UNAVAILABLE', message: 'away' },
      noticesTotal: 3,
      counters: {
        entries: 1n,
        files: 2n,
        bytesTotal: 2n ** 63n,
        bytesRead: 4n,
        bytesChanged: 5n,
        bytesSent: 6n,
        bytesStored: 7n,
        bytesWritten: 8n,
        warnings: 9n,
        entriesSkipped: 10n,
      },
    });
    await insert(bare, full);
    expect(await get(bare.id)).toEqual(bare);
    expect(await get(full.id)).toEqual(full);
    expect(await get(uuid(0xdead))).toBeUndefined();
  });

  it('hands out restores first, then the oldest, only of the agents asked for, and none before its time', async () => {
    const agentId = uuid(0x4001);
    const late = job({ agentId, notBefore: 500 });
    const first = job({ agentId });
    const second = job({ agentId });
    const restore = job({ agentId, kind: 'RESTORE' });
    await insert(late, first, second, restore, job({ agentId: uuid(0x4002) }));
    const order: (string | undefined)[] = [];
    for (let n = 0; n < 4; n += 1) order.push((await claimFor([agentId]))?.id);
    expect(order).toEqual([restore.id, first.id, second.id, undefined]);
    expect((await claimFor([agentId], 500))?.id).toBe(late.id);
    expect(await claimFor([])).toBeUndefined();
  });

  it('hands out one job of an item at a time', async () => {
    const agentId = uuid(0x5001);
    const item = uuid(0x5002);
    const first = job({ agentId, protectedItemId: item });
    const second = job({ agentId, protectedItemId: item });
    await insert(first, second);
    const claimed = await claimFor([agentId]);
    expect(claimed?.id).toBe(first.id);
    expect(await claimFor([agentId])).toBeUndefined();
    expect((await db.unitOfWork.run((stores) => stores.jobs.activeOfItems([item]))).map(({ id }) => id)).toEqual([
      first.id,
    ]);
    await db.unitOfWork.run((stores) => stores.jobs.save({ ...first, state: 'COMPLETED', epoch: 1 }));
    expect((await claimFor([agentId]))?.id).toBe(second.id);
  });

  it('refuses a second active job of an item even to who did not look', async () => {
    const item = uuid(0x5102);
    const [first, second] = [job({ protectedItemId: item }), job({ protectedItemId: item })];
    await insert(first, second);
    await db.unitOfWork.run((stores) => stores.jobs.save({ ...first, state: 'DISPATCHED' }));
    await expect(
      db.unitOfWork.run((stores) => stores.jobs.save({ ...second, state: 'DISPATCHED' })),
    ).rejects.toMatchObject({ kind: 'Locked', code: 'ITEM_BUSY' });
    expect((await get(second.id))?.state).toBe('QUEUED');
  });

  it('gives an agent no more than its limit', async () => {
    const agentId = uuid(0x6001);
    await insert(job({ agentId }), job({ agentId }), job({ agentId }));
    expect(await claimFor([agentId], 100, 2)).toBeDefined();
    expect(await claimFor([agentId], 100, 2)).toBeDefined();
    expect(await claimFor([agentId], 100, 2)).toBeUndefined();
    expect(await db.unitOfWork.run((stores) => stores.jobs.activeCountOfAgents([agentId]))).toEqual(
      new Map([[agentId, 2]]),
    );
  });

  it('gives each job to one of many that claim at once', async () => {
    const agentId = uuid(0x7001);
    const jobs = Array.from({ length: 12 }, () => job({ agentId }));
    await insert(...jobs);
    const claimed = await Promise.all(
      Array.from({ length: 20 }, () => claimFor([agentId], 100, 100).catch(() => undefined)),
    );
    const ids = claimed.flatMap((each) => each?.id ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    for (;;) {
      const more = await claimFor([agentId], 100, 100);
      if (!more) break;
      ids.push(more.id);
    }
    expect(ids.toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
  });

  it('prolongs leases of jobs held under the current epoch only, and tells which are held', async () => {
    const agentId = uuid(0x8001);
    const held = job({ agentId, state: 'RUNNING', epoch: 2, leaseUntil: 10 });
    const cancelled = job({ agentId, state: 'RUNNING', epoch: 2, leaseUntil: 10, cancelRequestedAt: 5 });
    const lost = job({ agentId, state: 'QUEUED', epoch: 2 });
    const newer = job({ agentId, state: 'RUNNING', epoch: 3, leaseUntil: 10 });
    const others = job({ state: 'RUNNING', epoch: 2, leaseUntil: 10 });
    const all = [held, cancelled, lost, newer, others];
    await insert(...all);
    const named = all.map(({ id }) => ({ jobId: id, epoch: 2 }));
    expect(await db.unitOfWork.run((stores) => stores.jobs.renewLeases(agentId, named, 99))).toEqual([
      named[0],
      named[1],
    ]);
    expect(await Promise.all(all.map(async ({ id }) => (await get(id))?.leaseUntil))).toEqual([
      99,
      10,
      undefined,
      10,
      10,
    ]);
  });

  it('finds jobs whose lease ended, oldest lease first', async () => {
    const base = 10_000_000;
    const early = job({ state: 'RUNNING', epoch: 1, leaseUntil: base - 1 });
    const later = job({ state: 'DISPATCHED', epoch: 1, leaseUntil: base });
    await insert(later, early, job({ state: 'RUNNING', leaseUntil: base + 1 }), job({ state: 'COMPLETED' }));
    const found = await db.unitOfWork.run((stores) => stores.jobs.lockExpired(base, 100));
    expect(found.map(({ id }) => id).slice(-2)).toEqual([early.id, later.id]);
    expect(await db.unitOfWork.run((stores) => stores.jobs.lockExpired(base, 1))).toHaveLength(1);
  });

  it('finds what a revoked agent leaves behind', async () => {
    const agentId = uuid(0x9001);
    const left = [job({ agentId }), job({ agentId, state: 'RUNNING' })];
    await insert(...left, job({ agentId, state: 'FAILED' }), job());
    expect(
      (await db.unitOfWork.run((stores) => stores.jobs.lockUnfinishedOfAgent(agentId))).map(({ id }) => id),
    ).toEqual(left.map(({ id }) => id));
  });

  it('lists what the scopes show, filtered, by creation, in pages', async () => {
    const subscriptionId = uuid(0xa001);
    const vaultId = uuid(0xa002);
    const mine = Array.from({ length: 5 }, () => job({ subscriptionId, vaultId }));
    const restore = job({ subscriptionId, vaultId: uuid(0xa003), kind: 'RESTORE' });
    await insert(...mine, restore, job({ subscriptionId: uuid(0xa004) }));
    const list = (
      scopes: object[],
      filter: object,
      page: { first: number; after?: string; direction?: 'ASC' | 'DESC' },
    ) => db.unitOfWork.run((stores) => stores.jobs.list(scopes, filter, page));
    const first = await list([{ subscriptionId }], {}, { first: 4, direction: 'DESC' });
    expect([first.items.map(({ item }) => item.id), first.hasNextPage]).toEqual([
      [restore, ...mine.toReversed()].slice(0, 4).map(({ id }) => id),
      true,
    ]);
    const rest = await list([{ subscriptionId }], {}, { first: 4, direction: 'DESC', after: first.items[3]?.cursor });
    expect([rest.items.map(({ item }) => item.id), rest.hasNextPage]).toEqual([[mine[1]?.id, mine[0]?.id], false]);
    const ids = async (scopes: object[], filter: object) =>
      (await list(scopes, filter, { first: 50 })).items.map(({ item }) => item.id);
    expect(await ids([{ subscriptionId, vaultId }], {})).toEqual(mine.map(({ id }) => id));
    expect(await ids([], {})).toEqual([]);
    expect(await ids([{}], { subscriptionId, kind: 'RESTORE' })).toEqual([restore.id]);
    expect(await ids([{ subscriptionId }], { states: ['RUNNING'] })).toEqual([]);
    expect(await ids([{ subscriptionId }], { states: ['QUEUED'], protectedItemId: mine[0]?.protectedItemId })).toEqual([
      mine[0]?.id,
    ]);
  });

  it('keeps notices in order, replaced as a whole', async () => {
    const { id } = job();
    const notices = Array.from({ length: 450 }, (_, n) => ({
      path: Buffer.from([0x2f, 0xff, n % 256]),
      kind: 'UNREADABLE' as const,
      message: `m${n}`,
    }));
    await db.unitOfWork.run((stores) => stores.jobs.putNotices(id, notices));
    expect(await db.unitOfWork.run((stores) => stores.jobs.notices(id))).toEqual(notices);
    await db.unitOfWork.run((stores) => stores.jobs.putNotices(id, notices.slice(0, 1)));
    expect(await db.unitOfWork.run((stores) => stores.jobs.notices(id))).toHaveLength(1);
  });

  it('keeps the lease length that the machine gives', async () => {
    const agentId = uuid(0xb001);
    await insert(job({ agentId }));
    expect((await claimFor([agentId], 1_000))?.leaseUntil).toBe(1_000 + LEASE_MS);
  });
});

describeOnEachDatabase('the outbox', (open) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await open();
  });
  const take = (now: number, limit = 10) =>
    db.unitOfWork.run((stores) => stores.outbox.take({ now, hiddenUntil: now + 30, limit }), {
      isolation: 'read-committed',
    });

  it('hides what was taken until it is due again, and forgets what was removed', async () => {
    const [a, b] = [uuid(1), uuid(2)];
    await db.unitOfWork.run(async (stores) => {
      await stores.outbox.append({ id: b, kind: 'VOID_AGENT', payload: { agentId: 'x' }, dueAt: 20 });
      await stores.outbox.append({ id: a, kind: 'DISPATCH_JOB', payload: { jobId: 'y', epoch: 3 }, dueAt: 10 });
    });
    expect(await take(9)).toEqual([]);
    expect(await take(25)).toEqual([
      { id: a, kind: 'DISPATCH_JOB', payload: { jobId: 'y', epoch: 3 }, attempts: 1, dueAt: 55 },
      { id: b, kind: 'VOID_AGENT', payload: { agentId: 'x' }, attempts: 1, dueAt: 55 },
    ]);
    expect(await take(54)).toEqual([]);
    await db.unitOfWork.run((stores) => stores.outbox.remove(a));
    await db.unitOfWork.run((stores) => stores.outbox.retryAt(b, 30));
    expect(await take(30)).toMatchObject([{ id: b, attempts: 2 }]);
  });

  it('gives each message to one of many that take at once', async () => {
    const ids = Array.from({ length: 30 }, (_, n) => uuid(100 + n));
    await db.unitOfWork.run(async (stores) => {
      for (const id of ids) await stores.outbox.append({ id, kind: 'END_SESSIONS', payload: {}, dueAt: 1_000 });
    });
    const taken = (await Promise.all(Array.from({ length: 10 }, () => take(1_000, 5))))
      .flat()
      .filter(({ kind }) => kind === 'END_SESSIONS');
    expect(new Set(taken.map(({ id }) => id)).size).toBe(taken.length);
  });
});
