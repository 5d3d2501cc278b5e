import { createClient } from 'graphql-ws';
import pino from 'pino';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import WebSocket from 'ws';
import { hashToken } from '../../features/access/domain/tokens.js';
import { describeOnEachDatabase, type TestDatabase } from '../db/testing.js';
import { startTestDoor, type TestDoor } from './testing.js';

describeOnEachDatabase('the live door', (open) => {
  let database: TestDatabase;
  let door: TestDoor;
  let token: string;
  const logged: string[] = [];
  beforeAll(async () => {
    database = await open();
    door = await startTestDoor(database, { log: pino({ base: null }, { write: (line) => void logged.push(line) }) });
    token = await door.completeSetup();
  });
  afterAll(() => door.stop());

  interface Outcome {
    readonly results: unknown[];
    readonly failure?: unknown;
  }

  function ask(
    query: string,
    connection: { connectionParams?: Record<string, unknown>; headers?: Record<string, string> },
    variables: Record<string, unknown> = {},
  ): Promise<Outcome> {
    class Socket extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols, { headers: connection.headers ?? {} });
      }
    }
    const client = createClient({
      url: `${door.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: Socket,
      retryAttempts: 0,
      ...(connection.connectionParams === undefined ? {} : { connectionParams: connection.connectionParams }),
    });
    const results: unknown[] = [];
    return new Promise<Outcome>((resolve) => {
      client.subscribe(
        { query, variables },
        {
          next: (result) => results.push(result),
          error: (failure) => resolve({ results, failure }),
          complete: () => resolve({ results }),
        },
      );
    }).finally(() => client.dispose());
  }

  /** A connection that stays open; resolves `closed` with its close code. */
  async function connect(
    bearer: string,
  ): Promise<{ closed: Promise<number>; send: (message: object) => void; end: () => void }> {
    const socket = new WebSocket(`${door.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('open', () =>
        socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${bearer}` } })),
      );
      socket.once('message', () => resolve());
    });
    return { closed, send: (message) => socket.send(JSON.stringify(message)), end: () => socket.close() };
  }

  /** A connection that nobody has introduced; `heard` is what the server says. */
  async function knock(): Promise<{ socket: WebSocket; heard: string[]; closed: Promise<number> }> {
    const socket = new WebSocket(`${door.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    const heard: string[] = [];
    socket.on('message', (data: Buffer) => heard.push(data.toString()));
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('open', resolve));
    return { socket, heard, closed };
  }

  async function knownSocket(bearer: string): ReturnType<typeof knock> {
    const known = await knock();
    known.socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${bearer}` } }));
    await expect.poll(() => known.heard).toEqual([JSON.stringify({ type: 'connection_ack' })]);
    return known;
  }

  const WHO = '{ me { user { name } } }';
  const ADMIN = { results: [{ data: { me: { user: { name: 'admin' } } } }] };

  it('knows the caller by the token in connectionParams', async () => {
    expect(await ask(WHO, { connectionParams: { authorization: `Bearer ${token}` } })).toEqual(ADMIN);
  });

  it('knows the caller by the cookie, for pages of its own origin alone', async () => {
    const cookie = `holdfast=${token}`;
    expect(await ask(WHO, { headers: { cookie, origin: door.url } })).toEqual(ADMIN);
    for (const origin of ['http://evil.example', 'null', undefined]) {
      const refused = await ask(WHO, { headers: { cookie, ...(origin === undefined ? {} : { origin }) } });
      expect(refused.failure).toMatchObject({ code: 4403 });
    }
  });

  it('lets nobody in without a token or with a wrong one', async () => {
    expect((await ask(WHO, {})).failure).toMatchObject({ code: 4403 });
    expect(
      (await ask(WHO, { connectionParams: { authorization: `Bearer hfs_${'A'.repeat(43)}` } })).failure,
    ).toMatchObject({ code: 4403 });
  });

  it('takes of a stranger one message of a few KiB, and closes quietly after anything else', async () => {
    const console = vi.spyOn(globalThis.console, 'error');
    logged.length = 0;
    const nested = `{"type":"ping","payload":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`;
    const init = { type: 'connection_init', payload: { authorization: 'x'.repeat(20_000) } };
    // Whether the code still arrives before the connection breaks is left open.
    const large = expect.toBeOneOf([1006, 1008]) as number;
    const cases: [string, number][] = [
      ['{"type":"ping","payload":{"a":1}}', 4401],
      ['{"type":"connection_ack"}', 4400],
      ['{"type":"nonsense"}', 4400],
      ['not JSON', 4400],
      [nested, large],
      [JSON.stringify(init), large],
    ];
    for (const [message, code] of cases) {
      const { socket, heard, closed } = await knock();
      socket.send(message);
      expect([message.slice(0, 40), await closed, heard]).toEqual([message.slice(0, 40), code, []]);
    }
    expect(console).not.toHaveBeenCalled();
    expect(logged.map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({ msg: 'live.connection-refused', reason: 'NOT_ADMITTED', count: 1 }),
    ]);
    console.mockRestore();
  });

  it('answers pings without what they hold, at a pace', async () => {
    const { socket, heard, closed } = await knownSocket(token);
    socket.send(JSON.stringify({ type: 'ping', payload: { a: 'echo' } }));
    await expect.poll(() => heard[1]).toBe(JSON.stringify({ type: 'pong' }));
    for (let sent = 0; sent < 2_000; sent += 1) socket.send(JSON.stringify({ type: 'ping' }));
    expect(await closed).toBe(1013);
    await database.clock.advance(60_000);
  });

  it('keeps the same limits and the same errors as HTTP', async () => {
    const connectionParams = { authorization: `Bearer ${token}` };
    const aliases = Array.from({ length: 31 }, (_, i) => `a${i}: setupRequired`).join(' ');
    const costly = Array.from(
      { length: 20 },
      (_, i) => `a${i}: roleAssignments(first: 200) { edges { node { id role createdAt user { id name } } } }`,
    ).join(' ');
    for (const query of [
      `{ ${aliases} }`,
      `{ ${costly} }`,
      '{ __schema { types { name } } }',
      `{ ${'setupRequired '.repeat(4_100)} }`,
      '{ nonsense',
    ]) {
      expect((await ask(query, { connectionParams })).failure).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ extensions: expect.objectContaining({ code: 'BAD_USER_INPUT' }) as unknown }),
        ]),
      );
    }
    const refused = await ask('{ subscriptions(first: 500) { edges { cursor } } }', { connectionParams });
    expect(refused.results).toMatchObject([
      { errors: [{ path: ['subscriptions'], extensions: { code: 'BAD_USER_INPUT', reason: 'PAGE_SIZE' } }] },
    ]);
  });

  it('refuses wrong variables at once, and suggests no names', async () => {
    const connectionParams = { authorization: `Bearer ${token}` };
    const query = 'query Q($f: [JobState!]) { jobs(filter: { states: $f }) { edges { cursor } } }';
    const cases: [string, unknown[], string][] = [
      [query, Array.from({ length: 60_000 }, () => 1), 'TOO_MANY_VALUES'],
      [query, Array.from({ length: 3_900 }, () => 'QUEUE'), 'BAD_VARIABLE'],
      [query.replace('states', 'state'), [], 'GRAPHQL_VALIDATION_FAILED'],
    ];
    for (const [asked, f, reason] of cases) {
      const began = performance.now();
      const { failure } = await ask(asked, { connectionParams }, { f });
      expect(failure).toEqual([
        expect.objectContaining({
          message: expect.not.stringContaining('Did you mean') as unknown,
          extensions: { code: 'BAD_USER_INPUT', reason },
        }),
      ]);
      // Milliseconds; a description of each value that is wrong took seconds.
      expect(performance.now() - began).toBeLessThan(2_000);
    }
  });

  it('does nothing for a session that another process has ended', async () => {
    const signedIn = await door.ask(
      'mutation { signIn(input: { name: "admin", password: "correct horse battery" }) { token } }',
    );
    const bearer = signedIn.text('signIn.token');
    const socket = await connect(bearer);
    await database.unitOfWork.run(async (stores) => {
      const session = await stores.sessions.findByTokenHash(hashToken(bearer));
      await stores.sessions.remove(session?.id ?? '');
    });
    const query = 'mutation { createSubscription(input: { name: "too late" }) { clientMutationId } }';
    socket.send({ id: '1', type: 'subscribe', payload: { query } });
    expect(await socket.closed).toBe(4403);
    const { data: seen } = await door.ask('{ subscriptions { edges { node { name } } } }', { token });
    expect(JSON.stringify(seen)).not.toContain('too late');
  });

  it('keeps so many connections of one user, and no more', async () => {
    const made = await door.ask(
      `mutation { createUser(input: { name: "many", password: "correct horse battery" }) { clientMutationId } }`,
      { token },
    );
    expect(made.errors).toEqual([]);
    const signedIn = await door.ask(
      'mutation { signIn(input: { name: "many", password: "correct horse battery" }) { token } }',
    );
    const bearer = signedIn.text('signIn.token');
    const sockets = await Promise.all(Array.from({ length: 64 }, () => connect(bearer)));
    const connectionParams = { authorization: `Bearer ${bearer}` };
    expect((await ask(WHO, { connectionParams })).failure).toMatchObject({ code: 4403 });
    expect(await ask(WHO, { connectionParams: { authorization: `Bearer ${token}` } })).toEqual(ADMIN);
    sockets[0]?.end();
    await sockets[0]?.closed;
    await expect.poll(async () => (await ask(WHO, { connectionParams })).failure).toBeUndefined();
    for (const socket of sockets) socket.end();
  });

  it('closes at once when the session signs out or the API token is revoked', async () => {
    const session = await door.ask(
      `mutation { signIn(input: { name: "admin", password: "correct horse battery" }) { token } }`,
    );
    const bearer = session.text('signIn.token');
    const bySession = await connect(bearer);
    await door.ask('mutation { signOut(input: {}) { clientMutationId } }', { token: bearer });
    expect(await bySession.closed).toBe(4403);

    const expiresAt = new Date(database.clock.now() + 3_600_000).toISOString();
    const made = await door.ask(
      `mutation { createApiToken(input: { name: "live", role: BACKUP_READER, expiresAt: "${expiresAt}" }) { token apiToken { id } } }`,
      { token },
    );
    const byToken = await connect(made.text('createApiToken.token'));
    await door.ask(
      `mutation { revokeApiToken(input: { apiTokenId: "${made.text('createApiToken.apiToken.id')}" }) { clientMutationId } }`,
      { token },
    );
    expect(await byToken.closed).toBe(4403);
  });
});
