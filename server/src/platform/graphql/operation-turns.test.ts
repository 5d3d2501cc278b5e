import { systemClock } from '@holdfast/core/clock';
import { decodeGlobalIdOf } from '@holdfast/core/ids';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { describeOnEachDatabase } from '../db/testing.js';
import { Turns } from '../turns.js';
import type { Answer } from './answer.fixture.js';
import { PASSWORD, startTestDoor, type TestDoor } from './testing.js';

describeOnEachDatabase('operations', (open) => {
  const turns = new Turns(
    { atOnce: 1, patientAtOnce: 1, waiting: 3, patienceMs: 60_000, time: { burst: 60_000, perSecond: 1_000 } },
    { clock: systemClock, timers: systemClock, busy: () => 0 },
  );
  let door: TestDoor;
  let admin: string;
  let userId: string;
  beforeAll(async () => {
    door = await startTestDoor(await open(), { turns });
    admin = await door.completeSetup();
    const me = await door.ask('{ me { user { id } } }', { token: admin });
    userId = decodeGlobalIdOf('User', me.text('me.user.id'));
  });
  afterAll(() => door.stop());

  const create = (name: string): string =>
    `mutation { createSubscription(input: { name: "${name}" }) { subscription { name } } }`;
  const signIn = async (name: string): Promise<string> =>
    (await door.ask(`mutation { signIn(input: { name: "${name}", password: "${PASSWORD}" }) { token } }`)).text(
      'signIn.token',
    );
  const ME = '{ me { user { name } } }';

  it('of one user wait for each other with all sessions, then are refused, and stand in nobody else’s way', async () => {
    const again = await signIn('admin');
    const created = `mutation { createUser(input: { name: "other", password: "${PASSWORD}" }) { clientMutationId } }`;
    await door.ask(created, { token: admin });
    const other = await signIn('other');
    const end = await turns.enter(userId);
    const settled: Answer[] = [];
    const flood = Array.from({ length: 8 }, async (_, at) => {
      settled.push(await door.ask(ME, { token: at % 2 === 0 ? admin : again }));
    });
    expect((await door.ask(ME, { token: other })).errors).toEqual([]);
    await expect.poll(() => settled.length).toBe(5);
    for (const { status, errors } of settled)
      expect([status, errors[0]?.extensions.code, errors[0]?.extensions.reason]).toEqual([
        429,
        'RATE_LIMITED',
        'TOO_FAST',
      ]);
    end();
    await Promise.all(flood);
    expect(settled.slice(5).map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it('count until they end over a WebSocket too, also where nobody waits for them any more', async () => {
    const socket = new WebSocket(`${door.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    const say = (message: object): void => socket.send(JSON.stringify(message));
    await new Promise((resolve) => socket.once('open', resolve));
    say({ type: 'connection_init', payload: { authorization: `Bearer ${admin}` } });
    await new Promise((resolve) => socket.once('message', resolve));
    const end = await turns.enter(userId);
    for (let n = 0; n < 40; n += 1) {
      say({ id: `${n}`, type: 'subscribe', payload: { query: create(`ended ${n}`) } });
      say({ id: `${n}`, type: 'complete' });
    }
    let refused = false;
    socket.on('message', (data: Buffer) => (refused ||= data.toString().includes('TOO_FAST')));
    say({ id: 'last', type: 'subscribe', payload: { query: ME } });
    await expect.poll(() => refused).toBe(true);
    end();
    const { data } = await door.ask('{ subscriptions(first: 100) { edges { node { name } } } }', { token: admin });
    expect(JSON.stringify(data)).not.toContain('ended');
    socket.close();
  });
});

describeOnEachDatabase('operations of a user who asks for much', (open) => {
  it('keep another from the database for one list at a time, and not for all of them', async () => {
    const db = await open();
    const door = await startTestDoor(db);
    onTestFinished(() => door.stop());
    const greedy = await door.completeSetup();
    const modest = `mutation { createUser(input: { name: "modest", password: "${PASSWORD}" }) { clientMutationId } }`;
    await door.ask(modest, { token: greedy });
    const signedIn = await door.ask(
      `mutation { signIn(input: { name: "modest", password: "${PASSWORD}" }) { token } }`,
    );
    const lists = Array.from({ length: 30 }, (_, at) => `l${at}: auditEvents(first: 50) { edges { node { id } } }`);
    let answered = 0;
    const dear = Array.from({ length: 4 }, async () => {
      const { errors } = await door.ask(`{ ${lists.join(' ')} }`, { token: greedy });
      answered += 1;
      return errors;
    });
    const { errors } = await door.ask('{ me { user { name } } }', { token: signedIn.text('signIn.token') });
    const answeredBefore = answered;
    expect(await Promise.all(dear)).toEqual([[], [], [], []]);
    expect(errors).toEqual([]);
    // PostgreSQL runs several transactions beside each other: one dear query may be through, all of them may not.
    expect(answeredBefore).toBeLessThanOrEqual(db.dialect === 'sqlite' ? 0 : dear.length - 1);
  });
});
