import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { User } from '../../features/access/ports.js';
import { Refusal } from '../../features/access/refusal.js';
import { requireLiveAgent } from '../../features/agents/use-cases/require-live-agent.js';
import { describeOnEachDatabase, openTestDatabase, SYSTEM, type TestDatabase } from './testing.js';

const user = (database: TestDatabase, name: string): User => ({
  id: database.context().newId(),
  name,
  passwordHash: 'x',
  createdAt: database.clock.now(),
});

describeOnEachDatabase('a unit of work', (open) => {
  it('keeps everything or nothing', async () => {
    const database = await open();
    const ada = user(database, 'ada');
    await expect(
      database.unitOfWork.run(async (stores) => {
        await stores.users.insert(ada);
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    expect(await database.unitOfWork.run((stores) => stores.users.get(ada.id))).toBeUndefined();
    await database.unitOfWork.run((stores) => stores.users.insert(ada));
    expect(await database.unitOfWork.run((stores) => stores.users.findByName('ADA'))).toEqual(ada);
  });

  it('loses no update when many read and write the same row', async () => {
    const database = await open();
    const counter = user(database, 'counter');
    await database.unitOfWork.run((stores) => stores.users.insert({ ...counter, passwordHash: '0' }));
    const increments = Array.from({ length: 12 }, () =>
      database.unitOfWork.run(async (stores) => {
        const before = await stores.users.get(counter.id);
        await stores.users.setPasswordHash(counter.id, String(Number(before?.passwordHash) + 1));
      }),
    );
    await Promise.all(increments);
    expect((await database.unitOfWork.run((stores) => stores.users.get(counter.id)))?.passwordHash).toBe('12');
  });

  it('runs what waits for the commit after it, and not after a rollback', async () => {
    const database = await open();
    const seen: string[] = [];
    await database.unitOfWork.run(async (_, transaction) => {
      transaction.afterCommit(() => {
        seen.push('committed');
      });
      seen.push('inside');
    });
    await database.unitOfWork
      .run(async (_, transaction) => {
        transaction.afterCommit(() => {
          seen.push('never');
        });
        throw new Error('no');
      })
      .catch(() => undefined);
    expect(seen).toEqual(['inside', 'committed']);
  });

  it('refuses to be opened inside another one', async () => {
    const database = await open();
    const nested = database.unitOfWork.run(() => database.unitOfWork.run(async () => 1));
    await expect(nested).rejects.toMatchObject({ code: 'NESTED_UNIT_OF_WORK' });
  });

  it('waits for what others have asked for before as little as may be', async () => {
    const database = await open();
    const of = (userId: string) => database.unitsOfWork.of({ kind: 'user', userId, name: userId });
    const done: string[] = [];
    const read = (userId: string) =>
      of(userId).run(async (stores) => {
        await stores.users.any();
        done.push(userId);
      });
    await Promise.all([...Array.from({ length: 60 }, () => read('greedy')), read('modest')]);
    expect(done.indexOf('modest')).toBeLessThan(30);
  });

  it('audits a refusal although everything else rolls back', async () => {
    const database = await open();
    const ada = user(database, 'ada');
    const refused = database.unitOfWork.run(async (stores) => {
      await stores.users.insert(ada);
      throw new Refusal(
        { kind: 'Forbidden', code: 'NO', message: 'No.' },
        { principal: SYSTEM, address: '192.0.2.1' },
        { action: 'vault.create', outcome: 'REFUSED', reason: 'FORBIDDEN' },
      );
    });
    await expect(refused).rejects.toMatchObject({ kind: 'Forbidden' });
    const { events, found } = await database.unitOfWork.run(async (stores) => ({
      events: await stores.audit.list({}, { first: 10 }),
      found: await stores.users.get(ada.id),
    }));
    expect(found).toBeUndefined();
    expect(events.items.map((each) => each.item)).toMatchObject([
      { actor: 'system:test', action: 'vault.create', outcome: 'REFUSED', reason: 'FORBIDDEN', address: '192.0.2.1' },
    ]);
  });

  it('counts what a revoked agent repeats instead of writing a row for each try', async () => {
    const database = await open();
    const ctx = database.context({ principal: { kind: 'agent', agentId: database.context().newId() } });
    const tryAgain = () => ctx.unitOfWork.run((stores) => requireLiveAgent(ctx, stores, 'connectAgent'));
    for (let tries = 0; tries < 200; tries += 1) await expect(tryAgain()).rejects.toMatchObject({ kind: 'Forbidden' });
    await database.unitsOfWork.close();
    const { items } = await database.unitOfWork.run((stores) => stores.audit.list({}, { first: 100 }));
    expect(items.length).toBeLessThan(30);
    const at = database.clock.now();
    const counted = items.map(({ item }) => item).find(({ repeated }) => repeated.count > 1);
    expect(counted).toMatchObject({
      action: 'connectAgent',
      outcome: 'REFUSED',
      reason: 'AGENT_UNKNOWN',
      repeated: { count: 200 - items.length + 1, firstAt: at, lastAt: at },
    });
  });
});

describeOnEachDatabase('a page of a list', (open) => {
  it('neither repeats nor skips a row while rows are added, in both directions', async () => {
    const database = await open();
    const append = (action: string) =>
      database.unitOfWork.run((stores) => stores.audit.append({ principal: SYSTEM }, { action, outcome: 'SUCCEEDED' }));
    for (let i = 0; i < 5; i += 1) {
      await append(`a${i}`);
      if (i % 2 === 1) await database.clock.advance(1);
    }
    for (const direction of ['ASC', 'DESC'] as const) {
      const seen: string[] = [];
      let after: string | undefined;
      for (let more = true; more; ) {
        const page = await database.unitOfWork.run((stores) =>
          stores.audit.list({}, { first: 2, direction, ...(after === undefined ? {} : { after }) }),
        );
        seen.push(...page.items.map((each) => each.item.action));
        after = page.items.at(-1)?.cursor;
        more = page.hasNextPage;
        if (direction === 'DESC') await append('late');
      }
      const expected = ['a0', 'a1', 'a2', 'a3', 'a4'];
      expect(seen).toEqual(direction === 'ASC' ? expected : expected.toReversed());
    }
  });

  it('refuses a size beyond the cap and a cursor that it did not give out', async () => {
    const database = await open();
    const list = (page: { first: number; after?: string }) =>
      database.unitOfWork.run((stores) => stores.audit.list({}, page));
    await expect(list({ first: 201 })).rejects.toMatchObject({ code: 'PAGE_SIZE' });
    await expect(list({ first: 0 })).rejects.toMatchObject({ code: 'PAGE_SIZE' });
    await expect(list({ first: 1, after: 'bm9wZQ' })).rejects.toMatchObject({ code: 'MALFORMED_CURSOR' });
  });
});

describe('a unit of work on a full disk', () => {
  it('fails with that reason, keeps nothing, and goes on once there is room', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-full-'));
    const database = await openTestDatabase({ dialect: 'sqlite', file: join(folder, 'catalog.sqlite') });
    const connection = database.orm.em.getConnection();
    const most = async (pages: number): Promise<unknown> => connection.execute(`pragma max_page_count = ${pages}`);
    const [counted] = await connection.execute<{ page_count: number }[]>('pragma page_count');
    const pages = counted?.page_count ?? 0;
    await most(pages);
    const large = { ...user(database, 'large'), passwordHash: 'x'.repeat(1 << 20) };
    const insert = (): Promise<void> => database.unitOfWork.run((stores) => stores.users.insert(large));
    for (let times = 0; times < 3; times += 1)
      await expect(insert()).rejects.toMatchObject({ kind: 'Unavailable', code: 'DATABASE_FULL' });
    expect(await database.unitOfWork.run((stores) => stores.users.findByName('large'))).toBeUndefined();
    await most(pages + 1000);
    await insert();
    expect(await database.unitOfWork.run((stores) => stores.users.findByName('large'))).toEqual(large);
    await database.orm.close(true);
    rmSync(folder, { recursive: true });
  });
});
