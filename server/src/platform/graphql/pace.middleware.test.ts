import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeOnEachDatabase, type TestDatabase } from '../db/testing.js';
import type { Answer } from './answer.fixture.js';
import { MUTATIONS } from './pace.middleware.js';
import { PASSWORD, startTestDoor, type TestDoor } from './testing.js';

/** Mutations in one request, by aliases. */
const AT_ONCE = 25;

describeOnEachDatabase('mutations', (open) => {
  let database: TestDatabase;
  let door: TestDoor;
  let admin: string;
  let apiToken: string;
  let made = 0;

  beforeAll(async () => {
    database = await open();
    door = await startTestDoor(database);
    admin = await door.completeSetup();
    const expiresAt = new Date(database.clock.now() + 3_600_000).toISOString();
    const answer = await door.ask(
      `mutation { createApiToken(input: { name: "script", role: OWNER, expiresAt: "${expiresAt}" }) { token } }`,
      { token: admin },
    );
    apiToken = answer.text('createApiToken.token');
  });
  afterAll(() => door.stop());

  const mutate = (token: string, times: number): Promise<Answer> => {
    const each = Array.from({ length: times }, (_, at) => {
      made += 1;
      return `a${at}: createSubscription(input: { name: "number ${made}" }) { subscription { id } }`;
    });
    return door.ask(`mutation { ${each.join(' ')} }`, { token });
  };
  const reasons = ({ errors }: Answer): unknown[] => errors.map(({ extensions }) => extensions.reason);

  it('of one user have a pace that lets a burst through, says when to try again, and stops neither sessions nor others', async () => {
    for (let done = 0; done < MUTATIONS.burst; done += AT_ONCE)
      expect(reasons(await mutate(apiToken, AT_ONCE))).toEqual([]);
    const refused = await mutate(apiToken, 1);
    expect(refused.errors[0]).toMatchObject({
      message: 'This is asked too often: try again in 1 s.',
      extensions: { code: 'RATE_LIMITED', reason: 'TOO_FAST', details: { retryAfterSeconds: '1' } },
    });
    expect((await door.ask('{ me { user { name } } }', { token: apiToken })).errors).toEqual([]);
    expect(reasons(await mutate(admin, 1))).toEqual([]);
    const signIn = `mutation { signIn(input: { name: "admin", password: "${PASSWORD}" }) { token } }`;
    expect((await door.ask(signIn)).errors).toEqual([]);

    await database.clock.advance(1_000);
    const after = [1, 2, 3].map(() => mutate(apiToken, 1));
    expect((await Promise.all(after)).flatMap(reasons)).toEqual(['TOO_FAST']);
  });
});
