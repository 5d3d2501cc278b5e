import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeOnEachDatabase, type TestDatabase } from '../db/testing.js';
import { startTestDoor, type TestDoor } from './testing.js';

describeOnEachDatabase('strangers', (open) => {
  let database: TestDatabase;
  let door: TestDoor;
  let admin: string;
  beforeAll(async () => {
    database = await open();
    door = await startTestDoor(database);
    admin = await door.completeSetup();
  });
  afterAll(() => door.stop());

  const reasonOf = async (...args: Parameters<TestDoor['ask']>): Promise<[number, string | undefined]> => {
    const { status, errors } = await door.ask(...args);
    return [status, errors[0]?.extensions.reason];
  };

  it('may send little before they sign in, and users much', async () => {
    const body = JSON.stringify({ query: '{ setupRequired }', variables: { a: 'x'.repeat(20_000) } });
    expect(await reasonOf('', { body })).toEqual([413, 'BODY_TOO_LARGE']);
    expect(await reasonOf('', { body, token: admin })).toEqual([200, undefined]);
  });

  it('may ask what is open to all a few times in one request', async () => {
    const times = (count: number): string =>
      `{ ${Array.from({ length: count }, (_, n) => `a${n}: setupRequired`).join(' ')} }`;
    expect(await reasonOf(times(4))).toEqual([200, undefined]);
    expect(await reasonOf(times(5))).toEqual([400, 'QUERY_TOO_COSTLY']);
  });

  it('of one network have a pace, which users there do not share', async () => {
    const asked = await Promise.all(Array.from({ length: 320 }, () => reasonOf('{ setupRequired }')));
    expect(asked.filter(([status]) => status === 429).length).toBeGreaterThan(0);
    expect(await reasonOf('{ setupRequired }')).toEqual([429, 'TOO_FAST']);
    expect(await reasonOf('{ me { user { name } } }', { token: admin })).toEqual([200, undefined]);
    await database.clock.advance(1_000);
    expect(await reasonOf('{ setupRequired }')).toEqual([200, undefined]);
  });
});
