import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { describeOnEachDatabase, type TestDatabase } from '../../../platform/db/testing.js';
import type { RecoveryPoint } from '../domain/recovery-point.js';

const AMOUNTS = {
  entries: 1n,
  files: 2n,
  bytesTotal: 2n ** 53n - 1n,
  bytesRead: 4n,
  bytesChanged: 5n,
  bytesSent: 6n,
  bytesStored: 7n,
  warnings: 8n,
};

function point(overrides: Partial<RecoveryPoint> = {}): RecoveryPoint {
  return {
    id: randomUUID(),
    vaultId: randomUUID(),
    itemId: randomUUID(),
    sequence: 1,
    backupType: 'FULL',
    committedAt: 1_000,
    rootNode: Buffer.alloc(32, 1),
    domainId: randomUUID(),
    consistency: 'CRASH',
    agentId: randomUUID(),
    jobId: randomUUID(),
    statistics: AMOUNTS,
    state: 'LIVE',
    objectSha256: Buffer.alloc(32, 2),
    ...overrides,
  };
}

describeOnEachDatabase('the store of recovery points', (open) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await open();
  });
  const insert = (...points: RecoveryPoint[]) =>
    database.unitOfWork.run(async (stores) => {
      for (const each of points) await stores.recoveryPoints.insert(each, randomUUID());
    });
  const ask = <T>(question: (stores: Parameters<Parameters<TestDatabase['unitOfWork']['run']>[0]>[0]) => Promise<T>) =>
    database.unitOfWork.run(question);

  it('gives back what it was given, every byte and every amount', async () => {
    const full = point({
      previousSha256: Buffer.alloc(32, 3),
      basePointId: randomUUID(),
      backupType: 'DIFFERENTIAL',
      sequence: 9,
    });
    const first = point();
    await insert(full, first);
    expect(await ask(({ recoveryPoints }) => recoveryPoints.get(full.id))).toEqual(full);
    expect(await ask(({ recoveryPoints }) => recoveryPoints.get(first.id))).toEqual(first);
    expect(await ask(({ recoveryPoints }) => recoveryPoints.get(randomUUID()))).toBeUndefined();
    expect(await ask(({ recoveryPoints }) => recoveryPoints.ofJob(first.jobId))).toEqual(first);
  });

  it('lets an item have one point per sequence', async () => {
    const first = point();
    await insert(first);
    await expect(insert(point({ itemId: first.itemId }))).rejects.toMatchObject({
      kind: 'Conflict',
      code: 'POINT_EXISTS',
    });
  });

  it('goes on from the newest of the chain, and backs up against the newest that is not deleted', async () => {
    const itemId = randomUUID();
    const other = point({ sequence: 3 });
    const chain = [
      point({ itemId }),
      point({ itemId, sequence: 2, backupType: 'INCREMENTAL' }),
      point({ itemId, sequence: 10, backupType: 'INCREMENTAL' }),
    ];
    await insert(other, ...chain);
    await ask(async ({ recoveryPoints }) => {
      expect(await recoveryPoints.markDeleted(chain[2]?.id ?? '', 5_000)).toBe(true);
      expect(await recoveryPoints.markDeleted(chain[2]?.id ?? '', 6_000)).toBe(false);
    });
    await ask(async ({ recoveryPoints }) => {
      expect(await recoveryPoints.chainEnd(itemId)).toMatchObject({ sequence: 10 });
      expect(
        (await recoveryPoints.newestLive([itemId, other.itemId, randomUUID()])).map((each) => each.id).sort(),
      ).toEqual([chain[1]?.id, other.id].sort());
      expect(await recoveryPoints.newestLiveFull(itemId)).toMatchObject({ id: chain[0]?.id });
      expect(await recoveryPoints.liveIdsOfItem(itemId)).toEqual([chain[0]?.id, chain[1]?.id]);
      expect(await recoveryPoints.get(chain[2]?.id ?? '')).toMatchObject({ state: 'DELETED', deletedAt: 5_000 });
    });
  });

  it('counts what can be restored, and the bytes of everything that still takes space', async () => {
    const vaultId = randomUUID();
    const deleted = point({ vaultId });
    await insert(point({ vaultId }), point({ vaultId, statistics: { ...AMOUNTS, bytesStored: 2n ** 40n } }), deleted);
    await ask(({ recoveryPoints }) => recoveryPoints.markDeleted(deleted.id, 1));
    const totals = await ask(({ recoveryPoints }) => recoveryPoints.totalsOfVaults([vaultId, randomUUID()]));
    expect([...totals]).toEqual([[vaultId, { recoveryPoints: 2, storedBytes: 2n ** 40n + 14n }]]);
  });

  it('adds up amounts whose sum no 64-bit integer holds', async () => {
    const vaultId = randomUUID();
    const lie = (): RecoveryPoint => point({ vaultId, statistics: { ...AMOUNTS, bytesStored: 2n ** 63n - 1n } });
    await insert(lie(), lie(), lie());
    const totals = await ask(({ recoveryPoints }) => recoveryPoints.totalsOfVaults([vaultId]));
    expect(totals.get(vaultId)).toEqual({ recoveryPoints: 3, storedBytes: 3n * 2n ** 63n });
  });

  it('lists the points inside the scopes, newest first when asked so, page by page', async () => {
    const vaultId = randomUUID();
    const mine = [1, 2, 3].map((n) => point({ vaultId, committedAt: n * 1_000 }));
    await insert(...mine, point());
    const pages = await ask(async ({ recoveryPoints }) => {
      const first = await recoveryPoints.list(
        [{ vaultId, subscriptionId: 'any' }],
        {},
        { first: 2, direction: 'DESC' },
      );
      const after = first.items.at(-1)?.cursor ?? '';
      const second = await recoveryPoints.list([{ vaultId }], { vaultId }, { first: 2, direction: 'DESC', after });
      return [first, second].map((page) => ({ ids: page.items.map(({ item }) => item.id), more: page.hasNextPage }));
    });
    expect(pages).toEqual([
      { ids: [mine[2]?.id, mine[1]?.id], more: true },
      { ids: [mine[0]?.id], more: false },
    ]);
    expect((await ask(({ recoveryPoints }) => recoveryPoints.list([], { vaultId }, { first: 9 }))).items).toEqual([]);
    expect(
      (await ask(({ recoveryPoints }) => recoveryPoints.list([{ vaultId: randomUUID() }], { vaultId }, { first: 9 })))
        .items,
    ).toEqual([]);
    expect(
      (
        await ask(({ recoveryPoints }) =>
          recoveryPoints.list([{}], { protectedItemId: mine[0]?.itemId ?? '' }, { first: 9 }),
        )
      ).items,
    ).toHaveLength(1);
  });

  it('keeps one prepared point per job and root, the last one', async () => {
    const jobId = randomUUID();
    const rootNode = Buffer.alloc(32, 4);
    const [first, second] = [randomUUID(), randomUUID()];
    await ask(async ({ recoveryPoints }) => {
      await recoveryPoints.putPrepared({ id: first, jobId, rootNode, signed: Buffer.from('a') });
      await recoveryPoints.putPrepared({ id: second, jobId, rootNode, signed: Buffer.from('b') });
      expect(await recoveryPoints.prepared(jobId, rootNode)).toEqual({
        id: second,
        jobId,
        rootNode,
        signed: Buffer.from('b'),
      });
      expect(await recoveryPoints.prepared(jobId, Buffer.alloc(32, 5))).toBeUndefined();
      await recoveryPoints.removePrepared(jobId);
      expect(await recoveryPoints.prepared(jobId, rootNode)).toBeUndefined();
    });
  });

  it('remembers a quarantined object once, with its first reason', async () => {
    const found = { id: randomUUID(), vaultId: randomUUID(), reason: 'INCOMPLETE', foundAt: 1 };
    await ask(({ recoveryPoints }) => recoveryPoints.quarantine(found));
    await ask(({ recoveryPoints }) => recoveryPoints.quarantine({ ...found, reason: 'OTHER', foundAt: 2 }));
  });
});
