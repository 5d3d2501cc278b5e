import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { systemClock } from '@holdfast/core/clock';
import { encodeGlobalId } from '@holdfast/core/ids';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ConnectionGate } from '../connection-gate.js';
import { describeOnEachDatabase, type TestDatabase } from '../db/testing.js';
import type { Answer } from './answer.fixture.js';
import { PASSWORD, startTestDoor, type TestDoor } from './testing.js';

const refusal = (answer: Answer): [string | undefined, string | undefined] => [
  answer.errors[0]?.extensions.code,
  answer.errors[0]?.extensions.reason,
];

const JOBS_IN_STATES = 'query Q($f: [JobState!]) { jobs(filter: { states: $f }) { edges { cursor } } }';
const RESTORE = 'mutation M($i: TriggerRestoreInput!) { triggerRestore(input: $i) { job { id } } }';
const restoreOf = (select: readonly string[]): object => ({ recoveryPointId: 'x', mode: 'ORIGINAL_LOCATION', select });

describeOnEachDatabase('the HTTP door', (open) => {
  let database: TestDatabase;
  let door: TestDoor;
  let admin: string;

  const mutate = async (
    name: string,
    input: Record<string, unknown>,
    selection: string,
    token?: string,
  ): Promise<Answer> => {
    const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
    return door.ask(`mutation Call($input: ${type}!) { ${name}(input: $input) { ${selection} } }`, {
      variables: { input },
      ...(token === undefined ? {} : { token }),
    });
  };
  const newUser = async (name: string): Promise<{ id: string; token: string }> => {
    const made = await mutate('createUser', { name, password: PASSWORD }, 'user { id }', admin);
    const signedIn = await mutate('signIn', { name, password: PASSWORD }, 'token');
    return { id: made.text('createUser.user.id'), token: signedIn.text('signIn.token') };
  };

  beforeAll(async () => {
    database = await open();
    door = await startTestDoor(database);
  });
  afterAll(() => door.stop());

  it('asks for setup once, with the right code, and makes the first subscription and region', async () => {
    expect((await door.ask('{ setupRequired }')).data).toEqual({ setupRequired: true });
    const wrong = await mutate(
      'completeSetup',
      { setupCode: 'AAAA-BBBB-CCCC', name: 'admin', password: PASSWORD },
      'token',
    );
    expect(refusal(wrong)).toEqual(['UNAUTHENTICATED', 'WRONG_SETUP_CODE']);
    expect(existsSync(join(door.folder, 'setup-code'))).toBe(true);
    admin = await door.completeSetup();
    expect(existsSync(join(door.folder, 'setup-code'))).toBe(false);
    const { data } = await door.ask(
      '{ setupRequired subscriptions { edges { node { name } } } regions { edges { node { name zones { name storeUrl } } } } me { user { name } roleAssignments { role scope { subscription { id } } } } }',
      { token: admin },
    );
    expect(data).toEqual({
      setupRequired: false,
      subscriptions: { edges: [{ node: { name: 'default' } }] },
      regions: {
        edges: [{ node: { name: 'local', zones: [{ name: 'local-1', storeUrl: `local:${door.folder}/stores` }] } }],
      },
      me: { user: { name: 'admin' }, roleAssignments: [{ role: 'OWNER', scope: { subscription: null } }] },
    });
    const again = await mutate(
      'completeSetup',
      { setupCode: door.setupCode, name: 'second', password: PASSWORD },
      'token',
    );
    expect(refusal(again)).toEqual(['FAILED_PRECONDITION', 'SETUP_DONE']);
  });

  it('gives the anonymous nothing but the sign-in', async () => {
    expect((await door.ask('{ me { user { name } } }')).data).toEqual({ me: null });
    for (const query of [
      '{ subscriptions { edges { cursor } } }',
      '{ regions { edges { cursor } } }',
      '{ auditEvents { edges { cursor } } }',
      '{ roleAssignments { edges { cursor } } }',
      'mutation { createSubscription(input: { name: "x" }) { subscription { id } } }',
    ]) {
      expect(refusal(await door.ask(query))[0]).toBe('UNAUTHENTICATED');
    }
  });

  it('says the same to a wrong name and a wrong password, and names the path', async () => {
    const unknown = await mutate('signIn', { name: 'nobody', password: PASSWORD }, 'token');
    const wrong = await mutate('signIn', { name: 'admin', password: 'not the password' }, 'token');
    expect(unknown.errors).toEqual(wrong.errors);
    expect(wrong.errors[0]).toMatchObject({
      path: ['signIn'],
      extensions: { code: 'UNAUTHENTICATED', reason: 'WRONG_CREDENTIALS' },
    });
  });

  it('keeps the session in a cookie that scripts and other sites cannot use, and ends it at sign-out', async () => {
    const signedIn = await mutate('signIn', { name: 'ADMIN', password: PASSWORD }, 'token expiresAt');
    const cookie = signedIn.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^holdfast=hfs_[^;]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+$/);
    const headers = { cookie: cookie.split(';')[0] ?? '' };
    expect((await door.ask('{ me { user { name } } }', { headers })).text('me.user.name')).toBe('admin');
    const out = await door.ask('mutation { signOut(input: {}) { clientMutationId } }', { headers });
    expect(out.headers.get('set-cookie')).toMatch(/^holdfast=; .*Max-Age=0/);
    expect((await door.ask('{ me { user { name } } }', { headers })).value('me')).toBeNull();
  });

  it('ends a session after 12 hours without use, and after 7 days in any case', async () => {
    const hour = 3_600_000;
    const signIn = async (): Promise<string> =>
      (await mutate('signIn', { name: 'admin', password: PASSWORD }, 'token')).text('signIn.token');
    const idle = await signIn();
    const busy = await signIn();
    const alive = async (token: string): Promise<boolean> =>
      (await door.ask('{ me { user { id } } }', { token })).value('me') !== null;
    for (let hours = 0; hours < 7 * 24 - 11; hours += 11) {
      await database.clock.advance(11 * hour);
      expect(await alive(busy)).toBe(true);
    }
    expect(await alive(idle)).toBe(false);
    await database.clock.advance(11 * hour);
    expect(await alive(busy)).toBe(false);
    admin = await signIn();
  });

  it('refuses a form post, which any other site could make a browser send', async () => {
    const response = await fetch(`${door.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: JSON.stringify({ query: '{ setupRequired }' }),
    });
    expect(response.status).toBe(400);
    const bare = await fetch(`${door.url}/graphql?query=${encodeURIComponent('{ setupRequired }')}`);
    expect(bare.status).toBe(400);
    const change = await fetch(
      `${door.url}/graphql?query=${encodeURIComponent('mutation { signOut(input: {}) { clientMutationId } }')}`,
      { headers: { 'apollo-require-preflight': '1' } },
    );
    expect(change.status).toBe(405);
  });

  it('refuses operations beyond its limits', async () => {
    const nested = (levels: number): string => (levels === 0 ? 'id' : `... on Subscription { ${nested(levels - 1)} }`);
    const cases: Record<string, string> = {
      depth: `{ me { roleAssignments { scope { subscription { ${nested(16)} } } } } }`,
      aliases: `{ ${Array.from({ length: 31 }, (_, i) => `a${i}: setupRequired`).join(' ')} }`,
      tokens: `{ ${'setupRequired '.repeat(4_100)} }`,
      introspection: '{ __schema { types { name } } }',
      cost: `{ ${['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't'].map((alias) => `${alias}: roleAssignments(first: 200) { edges { node { id role createdAt user { id name } } } }`).join(' ')} }`,
    };
    for (const [name, query] of Object.entries(cases)) {
      const answer = await door.ask(query, { token: admin });
      expect([name, answer.errors[0]?.extensions.code, answer.data ?? null]).toEqual([name, 'BAD_USER_INPUT', null]);
    }
    const costly = await door.ask(cases.cost ?? '', { token: admin });
    expect([costly.status, costly.errors[0]?.extensions.reason]).toEqual([400, 'QUERY_TOO_COSTLY']);
  });

  it('counts the cost of a page whose size comes in a variable', async () => {
    const aliases = Array.from(
      { length: 20 },
      (_, i) => `a${i}: roleAssignments(first: $first) { edges { node { id role createdAt user { id name } } } }`,
    );
    const query = `query Q($first: Int) { ${aliases.join(' ')} }`;
    for (const first of [200, null]) {
      const answer = await door.ask(query, { token: admin, variables: { first } });
      expect(answer.errors[0]?.extensions.reason).toBe('QUERY_TOO_COSTLY');
    }
    expect((await door.ask(query, { token: admin, variables: { first: 1 } })).errors).toEqual([]);
  });

  it('refuses wrong variables as a fault of the request, and says which and why', async () => {
    const cases: [string, Record<string, unknown>, string, RegExp][] = [
      [
        JOBS_IN_STATES,
        { f: ['QUEUED', 'LOST'] },
        'BAD_VARIABLE',
        /^Variable "\$f" got invalid value "LOST" at "f\[1\]"; /,
      ],
      [
        JOBS_IN_STATES,
        { f: ['x'.repeat(50_000)] },
        'BAD_VARIABLE',
        /^Variable "\$f" got invalid value "x.* … .*JobState/,
      ],
      [RESTORE, {}, 'BAD_VARIABLE', /"\$i" of required type/],
      [RESTORE, { i: restoreOf(['/a', '/\\x4']) }, 'MALFORMED_PATH', /at "i\.select\[1\]"; .* a backslash is doubled/],
    ];
    for (const [query, variables, reason, message] of cases) {
      const answer = await door.ask(query, { variables, token: admin });
      expect([answer.status, ...refusal(answer)]).toEqual([400, 'BAD_USER_INPUT', reason]);
      expect(answer.errors.map((each) => each.message)).toEqual([expect.stringMatching(message)]);
      expect(answer.errors[0]?.message.length).toBeLessThan(1_100);
    }
    const literal =
      'mutation { triggerRestore(input: { recoveryPointId: "x", mode: ORIGINAL_LOCATION, select: ["\\\\x4"] }) { job { id } } }';
    const answer = await door.ask(literal);
    expect([answer.status, ...refusal(answer)]).toEqual([400, 'BAD_USER_INPUT', 'MALFORMED_PATH']);
  });

  it('takes no time over variables that are wrong or long', async () => {
    const fields = (count: number): object => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 1]));
    const filtered = 'query Q($f: JobFilter) { jobs(filter: $f) { edges { cursor } } }';
    const several = ['A', 'B', 'C', 'D'].map((name) => JOBS_IN_STATES.replace('Q', name)).join(' ');
    const cases: [string, string, string][] = [
      [JOBS_IN_STATES, `[${'1,'.repeat(489_999)}1]`, 'TOO_MANY_VALUES'],
      [JOBS_IN_STATES, `[${'"QUEUED",'.repeat(89_999)}"QUEUED"]`, 'TOO_MANY_VALUES'],
      [JOBS_IN_STATES, `${'{"a":'.repeat(150_000)}1${'}'.repeat(150_000)}`, 'TOO_MANY_VALUES'],
      [filtered, JSON.stringify(fields(90_000)), 'TOO_MANY_VALUES'],
      [filtered, JSON.stringify(fields(3_900)), 'BAD_VARIABLE'],
      [JOBS_IN_STATES, `[${'1,'.repeat(3_900)}1]`, 'BAD_VARIABLE'],
      [several, `[${'1,'.repeat(3_900)}1]`, 'OPERATION_RESOLUTION_FAILURE'],
    ];
    for (const [query, f, reason] of cases) {
      const began = performance.now();
      const body = `{"query":${JSON.stringify(query)},"variables":{"f":${f}}}`;
      const answer = await door.ask('', { body, token: admin });
      expect([answer.status, ...refusal(answer), answer.errors.length]).toEqual([400, 'BAD_USER_INPUT', reason, 1]);
      // Milliseconds; a description of each value that is wrong took seconds to a minute.
      expect(performance.now() - began).toBeLessThan(2_000);
    }
    const paths = Array.from({ length: 1_001 }, (_, i) => `/${i}`);
    expect(refusal(await door.ask(RESTORE, { variables: { i: restoreOf(paths) }, token: admin }))[1]).toBe(
      'MALFORMED_ID',
    );
  });

  it('suggests no names of the schema where introspection is off', async () => {
    const open = await startTestDoor(database, { introspection: true });
    const cases: [string, Record<string, unknown>][] = [
      ['{ setupRequire }', {}],
      ['{ jobs(firs: 1) { edges { cursor } } }', {}],
      ['query Q($f: JobFilte) { jobs(filter: $f) { edges { cursor } } }', {}],
      ['{ jobs(filter: { state: QUEUED }) { edges { cursor } } }', {}],
      ['{ jobs(filter: { states: [QUEUE] }) { edges { cursor } } }', {}],
      [JOBS_IN_STATES, { f: ['QUEUE'] }],
      ['query Q($f: JobFilter) { jobs(filter: $f) { edges { cursor } } }', { f: { state: 'QUEUED' } }],
    ];
    for (const [query, variables] of cases) {
      const texts = async (at: TestDoor): Promise<string> =>
        JSON.stringify((await at.ask(query, { variables })).errors);
      expect(await texts(open)).toContain('Did you mean');
      expect(await texts(door)).toMatch(/^\[\{"message"/);
      expect(await texts(door)).not.toContain('Did you mean');
    }
    await open.stop();
  });

  it('refuses a body that is too large, a batch, and a page over 200', async () => {
    const large = await door.ask('', {
      body: JSON.stringify({ query: '{ setupRequired }', variables: { x: 'x'.repeat(1_100_000) } }),
      token: admin,
    });
    expect([large.status, ...refusal(large)]).toEqual([413, 'BAD_USER_INPUT', 'BODY_TOO_LARGE']);
    const batch = await door.ask('', {
      body: JSON.stringify([{ query: '{ setupRequired }' }, { query: '{ setupRequired }' }]),
    });
    expect([batch.status, batch.errors[0]?.extensions.code]).toEqual([400, 'BAD_USER_INPUT']);
    expect(refusal(await door.ask('{ subscriptions(first: 201) { edges { cursor } } }', { token: admin }))).toEqual([
      'BAD_USER_INPUT',
      'PAGE_SIZE',
    ]);
  });

  it('shows a node only to those who may read it', async () => {
    const made = await mutate('createSubscription', { name: 'other' }, 'subscription { id }', admin);
    const other = made.text('createSubscription.subscription.id');
    const ann = await newUser('ann');
    const node = async (id: string, token: string): Promise<unknown> =>
      (await door.ask('query Q($id: ID!) { node(id: $id) { __typename id } }', { token, variables: { id } })).value(
        'node',
      );
    expect(await node(other, admin)).toEqual({ __typename: 'Subscription', id: other });
    expect(await node(other, ann.token)).toBeNull();
    const events = await door.ask(
      '{ auditEvents(first: 1) { edges { node { id } } } regions { edges { node { id } } } me { user { id } roleAssignments { id } } }',
      { token: admin },
    );
    const hidden = [events.text('me.user.id'), events.text('me.roleAssignments.0.id')];
    for (const id of hidden) expect(await node(id, ann.token)).toBeNull();
    for (const id of [events.text('auditEvents.edges.0.node.id'), events.text('regions.edges.0.node.id')]) {
      const answer = await door.ask('query Q($id: ID!) { node(id: $id) { id } }', {
        token: ann.token,
        variables: { id },
      });
      expect([answer.value('node'), refusal(answer)[0]]).toEqual([null, 'FORBIDDEN']);
    }
    expect(await node(encodeGlobalId('Subscription', '01901234-5678-7abc-8def-0123456789ab'), ann.token)).toBeNull();
    await mutate(
      'assignRole',
      { userId: ann.id, role: 'BACKUP_READER', subscriptionId: other },
      'roleAssignment { id }',
      admin,
    );
    expect(await node(other, ann.token)).toEqual({ __typename: 'Subscription', id: other });
    const list = await door.ask('{ subscriptions { edges { node { id } } } }', { token: ann.token });
    expect(list.nodes('subscriptions')).toEqual([{ id: other }]);
    expect(
      refusal(
        await mutate(
          'assignRole',
          { userId: ann.id, role: 'OWNER', subscriptionId: other },
          'roleAssignment { id }',
          ann.token,
        ),
      ),
    ).toEqual(['FORBIDDEN', 'NOT_PERMITTED']);
    expect(refusal(await mutate('createUser', { name: 'x', password: PASSWORD }, 'user { id }', ann.token))[0]).toBe(
      'FORBIDDEN',
    );
  });

  it('lets an API token do no more than its role, its scope and its user, until it is revoked or ends', async () => {
    const day = 24 * 3_600_000;
    const expiresAt = new Date(database.clock.now() + day).toISOString();
    const made = await mutate(
      'createApiToken',
      { name: 'ci', role: 'BACKUP_READER', expiresAt },
      'token apiToken { id role }',
      admin,
    );
    const token = made.text('createApiToken.token');
    expect(token).toMatch(/^hft_/);
    const names = (answer: Answer): string[] => answer.nodes<{ name: string }>('subscriptions').map(({ name }) => name);
    expect(names(await door.ask('{ subscriptions { edges { node { name } } } }', { token }))).toContain('default');
    expect(refusal(await mutate('createSubscription', { name: 'by token' }, 'subscription { id }', token))).toEqual([
      'FORBIDDEN',
      'NOT_PERMITTED',
    ]);
    expect(
      refusal(await mutate('createApiToken', { name: 'child', role: 'OWNER', expiresAt }, 'token', token)),
    ).toEqual(['FORBIDDEN', 'NOT_BY_TOKEN']);
    await mutate('revokeApiToken', { apiTokenId: made.text('createApiToken.apiToken.id') }, 'clientMutationId', admin);
    expect((await door.ask('{ me { user { id } } }', { token })).value('me')).toBeNull();
    expect(
      refusal(
        await mutate(
          'createApiToken',
          { name: 'old', role: 'OWNER', expiresAt: '2020-01-01T00:00:00Z' },
          'token',
          admin,
        ),
      ),
    ).toEqual(['BAD_USER_INPUT', 'TOKEN_EXPIRY']);
  });

  it("lets an Owner's API token make nobody and nothing that outlives it, and audits the try", async () => {
    const expiresAt = new Date(database.clock.now() + 3_600_000).toISOString();
    const made = await mutate('createApiToken', { name: 'leaked', role: 'OWNER', expiresAt }, 'token', admin);
    const other = await mutate('createApiToken', { name: 'other', role: 'OWNER', expiresAt }, 'apiToken { id }', admin);
    const token = made.text('createApiToken.token');
    const { id: userId } = await newUser('accomplice');
    const given = await mutate('assignRole', { userId, role: 'BACKUP_READER' }, 'roleAssignment { id }', admin);
    const roleAssignmentId = given.text('assignRole.roleAssignment.id');
    const tries: [string, Record<string, unknown>, string][] = [
      ['createUser', { name: 'backdoor', password: PASSWORD }, 'user { id }'],
      ['assignRole', { userId, role: 'OWNER' }, 'roleAssignment { id }'],
      ['removeRoleAssignment', { roleAssignmentId }, 'roleAssignmentId'],
      ['createApiToken', { name: 'child', role: 'BACKUP_READER', expiresAt }, 'token'],
    ];
    for (const [name, input, selection] of tries)
      expect(refusal(await mutate(name, input, selection, token)), name).toEqual(['FORBIDDEN', 'NOT_BY_TOKEN']);
    const apiTokenId = other.text('createApiToken.apiToken.id');
    expect(refusal(await mutate('revokeApiToken', { apiTokenId }, 'clientMutationId', token))[0]).toBe('NOT_FOUND');
    const events = await door.ask(
      '{ auditEvents(filter: { outcome: "REFUSED" }, first: 20) { edges { node { action actor } } } }',
      { token },
    );
    const refused = events
      .nodes<{ action: string; actor: string }>('auditEvents')
      .flatMap(({ action, actor }) => (actor.startsWith('admin token:') ? [action] : []));
    expect(refused).toEqual(expect.arrayContaining(tries.map(([name]) => name)));
  });

  it('handles a clientMutationId once, also when asked at the same time, and hands it back', async () => {
    const input = { name: 'only once', clientMutationId: 'm-1' };
    const answers = await Promise.all(
      [1, 2, 3].map(() => mutate('createSubscription', input, 'clientMutationId subscription { id createdAt }', admin)),
    );
    const done = answers.filter((answer) => answer.errors.length === 0);
    expect(done.length).toBeGreaterThan(0);
    for (const answer of answers.filter((each) => each.errors.length > 0))
      expect(answer.errors[0]?.extensions.code).toBe('CONFLICT');
    const again = await mutate('createSubscription', input, 'clientMutationId subscription { id createdAt }', admin);
    expect(again.data).toEqual(done[0]?.data);
    expect(again.value('createSubscription.clientMutationId')).toBe('m-1');
    expect(
      refusal(await mutate('createSubscription', { ...input, name: 'another' }, 'clientMutationId', admin)),
    ).toEqual(['CONFLICT', 'CLIENT_MUTATION_ID_REUSED']);
    const refused = { name: 'default', clientMutationId: 'm-2' };
    expect(refusal(await mutate('createSubscription', refused, 'clientMutationId', admin))[1]).toBe(
      'SUBSCRIPTION_NAME_TAKEN',
    );
    expect(refusal(await mutate('createSubscription', refused, 'clientMutationId', admin))[1]).toBe(
      'SUBSCRIPTION_NAME_TAKEN',
    );
  });

  it('shows what is shown once again to whoever repeats the mutation, but not in the database', async () => {
    const expiresAt = new Date(database.clock.now() + 3_600_000).toISOString();
    const input = { name: 'replayed', role: 'BACKUP_READER', expiresAt, clientMutationId: 'm-3' };
    const first = await mutate('createApiToken', input, 'token', admin);
    const second = await mutate('createApiToken', input, 'token', admin);
    expect(second.data).toEqual(first.data);
    const rows = await database.orm.em
      .getConnection()
      .execute<{ sealed_payload: Buffer | null }[]>('select sealed_payload from handled_mutation');
    const token = first.text('createApiToken.token');
    for (const row of rows) expect(row.sealed_payload?.includes(token) ?? false).toBe(false);
  });

  it('answers no repeated mutation to whom a role was taken away since', async () => {
    const user = await newUser('demoted');
    const role = { userId: user.id, role: 'OWNER' };
    const made = await mutate('assignRole', role, 'roleAssignment { id }', admin);
    const input = { name: 'of the demoted', clientMutationId: 'm-4' };
    const create = (): Promise<Answer> => mutate('createSubscription', input, 'subscription { name }', user.token);
    expect((await create()).errors).toEqual([]);
    expect((await create()).text('createSubscription.subscription.name')).toBe('of the demoted');
    const roleAssignmentId = made.text('assignRole.roleAssignment.id');
    await mutate('removeRoleAssignment', { roleAssignmentId }, 'clientMutationId', admin);
    expect(refusal(await create())[1]).toBe('RIGHTS_REMOVED');
  });

  it('shows where stores lie to those who may create regions alone', async () => {
    const reader = await newUser('onlooker');
    const query = '{ regions { edges { node { name zones { name storeUrl } } } } }';
    const assign = (role: string): Promise<Answer> =>
      mutate('assignRole', { userId: reader.id, role }, 'roleAssignment { id }', admin);
    await assign('BACKUP_OPERATOR');
    const hidden = await door.ask(query, { token: reader.token });
    expect(hidden.errors).toEqual([]);
    expect(hidden.nodes('regions')).toContainEqual({ name: 'local', zones: [{ name: 'local-1', storeUrl: null }] });
    expect(JSON.stringify(hidden.data)).not.toContain(door.folder);
    await assign('BACKUP_CONTRIBUTOR');
    expect((await door.ask(query, { token: reader.token })).nodes('regions')).toContainEqual({
      name: 'local',
      zones: [{ name: 'local-1', storeUrl: `local:${door.folder}/stores` }],
    });
  });

  it('admits stores only under the allowed roots', async () => {
    const create = async (name: string, storeUrl: string): Promise<Answer> =>
      mutate('createRegion', { name, zones: [{ name: 'z', storeUrl }] }, 'region { zones { storeUrl } }', admin);
    expect((await create('good', `local:${door.folder}/stores/deep/er`)).value('createRegion.region.zones')).toEqual([
      { storeUrl: `local:${door.folder}/stores/deep/er` },
    ]);
    for (const bad of [
      'local:/etc',
      `local:${door.folder}/stores/../elsewhere`,
      `local:${door.folder}/stores-not`,
      'relative',
      'file:///tmp',
      'local:stores',
    ]) {
      expect([bad, ...refusal(await create(bad.slice(-6).replaceAll('/', ''), bad))]).toEqual([
        bad,
        'BAD_USER_INPUT',
        'STORE_NOT_ALLOWED',
      ]);
    }
  });

  it('audits sign-ins, mutations and refusals, and shows them to those who may read them', async () => {
    const answer = await door.ask(
      '{ auditEvents(first: 200) { edges { node { actor action outcome reason targetType } } } }',
      { token: admin },
    );
    const events = answer.nodes<{ actor: string; action: string; outcome: string }>('auditEvents');
    const seen = new Set(events.map(({ actor, action, outcome }) => `${actor} ${action} ${outcome}`));
    for (const wanted of [
      'anonymous completeSetup REFUSED',
      'admin completeSetup SUCCEEDED',
      'anonymous signIn REFUSED',
      'admin signIn SUCCEEDED',
      'admin signOut SUCCEEDED',
      'admin assignRole SUCCEEDED',
      'ann assignRole REFUSED',
      'ann createUser REFUSED',
      'admin revokeApiToken SUCCEEDED',
    ]) {
      expect(seen).toContain(wanted);
    }
    expect(JSON.stringify(answer.data)).not.toMatch(/hf[st]_|correct horse/);
  });

  it('masks a defect and says nothing of its cause', async () => {
    const broken = await startTestDoor(database);
    (broken.services as { access: unknown }).access = {
      attempts: {
        check: () => {
          throw new TypeError('secret path /root/x');
        },
      },
    };
    const answer = await broken.ask('mutation { signIn(input: { name: "a", password: "b" }) { token } }');
    expect(answer.errors[0]?.extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR', reason: 'INTERNAL' });
    expect(JSON.stringify(answer)).not.toContain('secret path');
    await broken.stop();
  });

  it('takes characters that no database stores for what nobody has, and in no name', async () => {
    for (const odd of ['a\u0000b', '\ud800', '\u001b[2J']) {
      expect(refusal(await mutate('signIn', { name: odd, password: PASSWORD }, 'token'))).toEqual([
        'UNAUTHENTICATED',
        'WRONG_CREDENTIALS',
      ]);
      const filtered = await door.ask(
        'query A($f: AuditEventFilter) { auditEvents(filter: $f) { edges { cursor } } }',
        {
          token: admin,
          variables: { f: { actor: odd, action: odd } },
        },
      );
      expect(filtered.data).toEqual({ auditEvents: { edges: [] } });
      const expiresAt = new Date(database.clock.now() + 3_600_000).toISOString();
      const token = await mutate('createApiToken', { name: odd, role: 'OWNER', expiresAt }, 'token', admin);
      expect(refusal(token)).toEqual(['BAD_USER_INPUT', 'NAME']);
      const user = await mutate('createUser', { name: odd, password: PASSWORD }, 'user { id }', admin);
      expect(refusal(user)[0]).toBe('BAD_USER_INPUT');
    }
  });

  it('lets a user have so many API tokens that are good, and no more', async () => {
    const collector = await newUser('collector');
    await mutate('assignRole', { userId: collector.id, role: 'BACKUP_READER' }, 'roleAssignment { id }', admin);
    const expiresAt = new Date(database.clock.now() + 3_600_000).toISOString();
    const make = (name: string): Promise<Answer> =>
      mutate('createApiToken', { name, role: 'BACKUP_READER', expiresAt }, 'apiToken { id }', collector.token);
    const first = await make('first');
    for (let made = 1; made < 100; made += 1) await make(`token ${made}`);
    expect(refusal(await make('one too many'))).toEqual(['FAILED_PRECONDITION', 'TOO_MANY_TOKENS']);
    const id = first.text('createApiToken.apiToken.id');
    await mutate('revokeApiToken', { apiTokenId: id }, 'clientMutationId', collector.token);
    expect((await make('in its place')).errors).toEqual([]);
  });

  it('slows down whoever guesses passwords', async () => {
    const tries: (string | undefined)[] = [];
    for (let i = 0; i < 12; i += 1)
      tries.push(refusal(await mutate('signIn', { name: 'victim', password: `guess number ${i}` }, 'token'))[0]);
    expect(tries.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 'UNAUTHENTICATED'));
    expect(tries.slice(10)).toEqual(['RATE_LIMITED', 'RATE_LIMITED']);
  });

  it('serves others while somebody opens connections and says nothing', async () => {
    const limits = { places: 5, perAddress: 5, graceMs: 0, pace: { burst: 1_000, perSecond: 1_000 } };
    const crowded = await startTestDoor(database, { gate: new ConnectionGate(limits, systemClock) });
    const port = Number(new URL(crowded.url).port);
    const idle = Array.from({ length: 20 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    await expect.poll(() => idle.filter((socket) => socket.closed).length, { timeout: 10_000 }).toBe(15);
    expect((await fetch(`${crowded.url}/livez`)).status).toBe(200);
    for (const socket of idle) socket.destroy();
    await crowded.stop();
  });

  it('answers health checks and sends headers that keep pages apart', async () => {
    const live = await fetch(`${door.url}/livez`);
    expect([live.status, await live.text()]).toEqual([200, 'ok\n']);
    expect(await (await fetch(`${door.url}/readyz`)).json()).toEqual({ ready: true, missing: [], degraded: [] });
    const { headers } = await door.ask('{ setupRequired }');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect([
      headers.get('x-frame-options'),
      headers.get('x-content-type-options'),
      headers.get('cache-control'),
    ]).toEqual(['DENY', 'nosniff', 'no-store']);
  });
});
