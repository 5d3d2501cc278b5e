import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { describeOnEachDatabase, type TestDatabase } from '../../../platform/db/testing.js';
import type { ProtectedItem } from '../domain/protected-item.js';

const item = (overrides: Partial<ProtectedItem> = {}): ProtectedItem => ({
  id: randomUUID(),
  name: 'home',
  workload: 'FILES',
  files: { roots: [Buffer.from([0x2f, 0xff])], include: [], exclude: [Buffer.from('*.o')], oneFileSystem: true },
  subscriptionId: randomUUID(),
  vaultId: randomUUID(),
  agentId: randomUUID(),
  state: 'PENDING',
  cacheGeneration: 1,
  createdAt: 1_000,
  ...overrides,
});

describeOnEachDatabase('the store of protected items', (open) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await open();
  });
  const insert = (...items: ProtectedItem[]) =>
    database.unitOfWork.run(async ({ protectedItems }) => {
      for (const each of items) await protectedItems.insert(each);
    });

  it('gives back what it was given, bytes that are not UTF-8 too', async () => {
    const scheduled = item({ policyId: randomUUID(), servedUntil: 3_000_000_000_000, nextBackupAt: 4_000_000_000_000 });
    await insert(scheduled);
    expect(await database.unitOfWork.run(({ protectedItems }) => protectedItems.get(scheduled.id))).toEqual(scheduled);
  });

  it('keeps the latest pre-check', async () => {
    const checked = item();
    await insert(checked);
    const at = (checkedAt: number) =>
      ({ status: 'WARNING', checkedAt, troubles: [{ path: Buffer.from([0x2f, 0xff]), message: 'gone' }] }) as const;
    for (const checkedAt of [1, 2])
      await database.unitOfWork.run(({ protectedItems }) => protectedItems.setPreCheck(checked.id, at(checkedAt)));
    expect(await database.unitOfWork.run(({ protectedItems }) => protectedItems.get(checked.id))).toEqual({
      ...checked,
      preCheck: at(2),
    });
  });

  it('frees the name of a stopped item and takes it out of the schedule', async () => {
    const stopped = item({ policyId: randomUUID(), nextBackupAt: 10, state: 'PROTECTED' });
    await insert(stopped);
    await database.unitOfWork.run(async ({ protectedItems }) => {
      expect(await protectedItems.findByName(stopped.vaultId, 'home')).toMatchObject({ id: stopped.id });
      await protectedItems.stop(stopped.id, 77);
    });
    await database.unitOfWork.run(async ({ protectedItems }) => {
      expect(await protectedItems.findByName(stopped.vaultId, 'home')).toBeUndefined();
      const { nextBackupAt: _, ...rest } = stopped;
      expect(await protectedItems.get(stopped.id)).toEqual({ ...rest, state: 'STOPPED', stoppedAt: 77 });
    });
  });

  it('says which items are due, the longest waiting first, and lets one caller move each on', async () => {
    const [late, later, future] = [
      item({ servedUntil: 1, nextBackupAt: 50_000 }),
      item({ servedUntil: 2, nextBackupAt: 60_000 }),
      item({ nextBackupAt: 90_000 }),
    ];
    await insert(later, future, late, item());
    await database.unitOfWork.run(async ({ protectedItems }) => {
      expect((await protectedItems.due(60_000, 10)).map((each) => each.id)).toEqual([late.id, later.id]);
      expect(await protectedItems.due(60_000, 1)).toHaveLength(1);
      expect(await protectedItems.advanceSchedule(late.id, 1, { servedUntil: 50_000, nextBackupAt: 120_000 })).toBe(
        true,
      );
      expect(await protectedItems.advanceSchedule(late.id, 1, { servedUntil: 60_000, nextBackupAt: 130_000 })).toBe(
        false,
      );
      await protectedItems.stop(later.id, 60_000);
      expect(await protectedItems.advanceSchedule(later.id, 2, { servedUntil: 60_000, nextBackupAt: 130_000 })).toBe(
        false,
      );
      expect(await protectedItems.due(60_000, 10)).toEqual([]);
    });
  });

  it('lists by vault, agent and state, inside the scopes', async () => {
    const [one, two] = [item({ state: 'PROTECTED' }), item()];
    await insert(one, two);
    const ids = (scopes: object[], filter: object) =>
      database.unitOfWork.run(async ({ protectedItems }) =>
        (await protectedItems.list(scopes, filter, { first: 50 })).items.map(({ item: each }) => each.id),
      );
    expect(await ids([{}], { vaultId: one.vaultId })).toEqual([one.id]);
    expect(await ids([{}], { agentId: two.agentId, state: 'PENDING' })).toEqual([two.id]);
    expect(await ids([{}], { agentId: two.agentId, state: 'PROTECTED' })).toEqual([]);
    expect(await ids([{ subscriptionId: one.subscriptionId }], {})).toEqual([one.id]);
    expect(await ids([{ subscriptionId: two.subscriptionId, vaultId: two.vaultId }], {})).toEqual([two.id]);
    expect(await ids([{ subscriptionId: two.subscriptionId, vaultId: one.vaultId }], { vaultId: two.vaultId })).toEqual(
      [],
    );
    expect(await ids([], {})).toEqual([]);
  });
});
