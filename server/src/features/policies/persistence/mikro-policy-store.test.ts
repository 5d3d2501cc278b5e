import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { describeOnEachDatabase, type TestDatabase } from '../../../platform/db/testing.js';
import type { Policy } from '../domain/policy.js';

const policy = (overrides: Partial<Policy> = {}): Policy => ({
  id: randomUUID(),
  subscriptionId: randomUUID(),
  name: 'nightly',
  schedule: {
    frequency: 'WEEKLY',
    at: '02:30',
    weekdays: ['SUNDAY'],
    timeZone: 'Europe/Berlin',
    jitterMinutes: 10,
    backupType: 'INCREMENTAL',
  },
  createdAt: 1_000,
  ...overrides,
});

describeOnEachDatabase('the store of policies', (open) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await open();
  });

  it('gives back what it was given', async () => {
    const kept = policy();
    await database.unitOfWork.run(({ policies }) => policies.insert(kept));
    expect(await database.unitOfWork.run(({ policies }) => policies.get(kept.id))).toEqual(kept);
    expect(
      await database.unitOfWork.run(({ policies }) => policies.findByName(kept.subscriptionId, 'nightly')),
    ).toEqual(kept);
  });

  it('takes a name once per subscription', async () => {
    const first = policy();
    await database.unitOfWork.run(({ policies }) => policies.insert(first));
    await expect(
      database.unitOfWork.run(({ policies }) => policies.insert(policy({ subscriptionId: first.subscriptionId }))),
    ).rejects.toMatchObject({ code: 'POLICY_NAME_TAKEN' });
  });

  it('lists only inside subscriptions: a right on one vault shows no policy', async () => {
    const [mine, other] = [policy(), policy({ createdAt: 2_000 })];
    const ids = await database.unitOfWork.run(async ({ policies }) => {
      await policies.insert(mine);
      await policies.insert(other);
      const of = async (scopes: object[]) =>
        (await policies.list(scopes, {}, { first: 200 })).items.map(({ item }) => item.id);
      return [
        await of([{ subscriptionId: mine.subscriptionId }]),
        await of([{ subscriptionId: mine.subscriptionId, vaultId: randomUUID() }]),
        await of([]),
        (await of([{}])).filter((id) => [mine.id, other.id].includes(id)),
      ];
    });
    expect(ids).toEqual([[mine.id], [], [], [mine.id, other.id]]);
  });
});
