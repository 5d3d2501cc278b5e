import { createHash, X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate } from 'node:tls';
import { connect } from 'node:tls';
import { credentials } from '@grpc/grpc-js';
import { systemClock } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import { systemRandom, uuidFromBytes } from '@holdfast/core/ids';
import { CoordinationServiceClient, EnrollmentServiceClient } from '@holdfast/proto/v1';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TestDatabase } from '../../platform/db/testing.js';
import { openTestDatabase } from '../../platform/db/testing.js';
import { createAuthority, generateAuthority } from '../../platform/pki/certificate-authority.js';
import type { Agent } from './domain/agent.js';
import type { Control } from './grpc/testing/control-fixture.js';
import { answer, makeRequest, SUBSCRIPTION, startControl } from './grpc/testing/control-fixture.js';
import { TestAgent, type TestStream } from './grpc/testing/test-agent.js';
import { LinkRegistry } from './link-registry.js';
import { createEnrollmentToken } from './use-cases/create-enrollment-token.js';
import { getAgent } from './use-cases/get-agent.js';
import { listAgents, statusOf } from './use-cases/list-agents.js';
import { revokeAgent } from './use-cases/revoke-agent.js';

const OTHER = '01901234-5678-7abc-8def-0123456789ab';

let db: TestDatabase;
let control: Control;
beforeAll(async () => {
  db = await openTestDatabase({ dialect: 'sqlite', file: ':memory:' });
  control = await startControl(db);
});
afterAll(async () => {
  await control.stop();
  await db.orm.close(true);
});

const agentOf = async (id: string): Promise<Agent> => {
  const agent = await getAgent(control.system, id);
  if (agent === undefined) throw new Error('no such agent');
  return agent;
};
const refusals = async (): Promise<(string | undefined)[]> => {
  const page = await db.unitOfWork.run((stores) => stores.audit.list({ outcome: 'REFUSED' }, { first: 100 }));
  return page.items.map(({ item }) => item.reason);
};

const auditOf = async (actor: string): Promise<unknown[]> => {
  const page = await db.unitOfWork.run((stores) => stores.audit.list({ actor, outcome: 'REFUSED' }, { first: 100 }));
  return page.items.map(({ item }) => [item.action, item.outcome, item.reason]);
};

describe('enrolment', () => {
  it('gives an agent a certificate with its id, and its name to the server', async () => {
    const enrolled = await control.enroll(await control.newToken('first'));
    const id = uuidFromBytes(enrolled.agentId);
    expect(new X509Certificate(enrolled.certificateChain).subjectAltName).toBe(`URI:holdfast://agent/${id}`);
    expect([enrolled.agentName, enrolled.controlAddress, enrolled.caCertificate]).toEqual([
      'first',
      control.addresses.control,
      control.authority.certificate,
    ]);
    const agent = await agentOf(id);
    expect(agent).toMatchObject({
      name: 'first',
      subscriptionId: SUBSCRIPTION,
      capabilities: [],
      host: { hostName: 'host' },
    });
    expect(statusOf(agent, control.links)).toBe('OFFLINE');
  });

  it('lets a host that trusts nothing yet find the CA of its token in the handshake', async () => {
    const token = await control.newToken('finder');
    const [host, port] = control.addresses.enrollment.split(':');
    const socket = connect({ host, port: Number(port), rejectUnauthorized: false });
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    const chain: DetailedPeerCertificate[] = [];
    for (let each = socket.getPeerCertificate(true); each && !chain.includes(each); each = each.issuerCertificate)
      chain.push(each);
    socket.destroy();
    const prints = chain.map(({ raw }) => createHash('sha256').update(raw).digest('base64url'));
    expect(prints).toContain(token.split('.')[2]);
  });

  it('keeps only the hash of a token', async () => {
    const token = await control.newToken('hashed');
    const [, secret = ''] = token.split('.');
    const rows = await db.orm.em.fork().execute<object[]>('select * from enrollment_token');
    expect(JSON.stringify(rows)).not.toContain(secret);
    expect(JSON.stringify(rows)).toContain(createHash('sha256').update(Buffer.from(secret, 'base64url')).digest('hex'));
  });

  it('takes a token once, also when two come at the same time', async () => {
    const token = await control.newToken('twice');
    const both = await Promise.allSettled([control.enroll(token), control.enroll(token)]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    await expect(control.enroll(token)).rejects.toMatchObject({ kind: 'Unauthenticated', code: 'ENROLLMENT_TOKEN' });
    expect(await refusals()).toContain('TOKEN_USED');
  });

  it('refuses an expired token, one that nobody made, and one that is none, in the same words', async () => {
    const token = await control.newToken('late');
    await db.clock.advance(15 * 60_000);
    const [prefix, , fingerprint] = token.split('.');
    const invented = [prefix, Buffer.alloc(32, 1).toString('base64url'), fingerprint].join('.');
    const words = await Promise.all(
      [token, invented, 'nonsense'].map((each) => control.enroll(each).catch((error: Error) => error.message)),
    );
    expect(new Set(words)).toEqual(
      new Set(['The enrolment token is not known, was used, or has expired. Make a new one.']),
    );
    expect(await refusals()).toEqual(expect.arrayContaining(['TOKEN_EXPIRED', 'TOKEN_UNKNOWN']));
  });

  it('does not use up the token over a bad request', async () => {
    const token = await control.newToken('patient');
    await expect(control.enroll(token, Buffer.from('junk'))).rejects.toMatchObject({
      kind: 'Validation',
      code: 'BAD_CERTIFICATE_REQUEST',
    });
    expect((await control.enroll(token)).agentName).toBe('patient');
  });

  it('keeps the names of agents apart', async () => {
    const first = await control.newToken('same name');
    const second = await control.newToken('same name');
    await control.enroll(first);
    await expect(control.enroll(second)).rejects.toMatchObject({ kind: 'Conflict', code: 'AGENT_NAME_TAKEN' });
    await expect(control.newToken('same name')).rejects.toMatchObject({ kind: 'Conflict' });
  });

  it('does not serve agents, and takes no message that is too large', async () => {
    const client = new EnrollmentServiceClient(
      control.addresses.enrollment,
      credentials.createSsl(Buffer.from(control.authority.certificate)),
    );
    const request = { token: 'x'.repeat(100_000), certificateRequest: Buffer.alloc(0) };
    await expect(answer((done) => client.enroll(request, done))).rejects.toMatchObject({
      kind: 'RateLimited',
      code: 'GRPC_RESOURCE_EXHAUSTED',
    });
    client.close();
    const coordination = new CoordinationServiceClient(
      control.addresses.enrollment,
      credentials.createSsl(Buffer.from(control.authority.certificate)),
    );
    await expect(answer((done) => coordination.listVaultStores({}, done))).rejects.toMatchObject({
      code: 'GRPC_UNIMPLEMENTED',
    });
    coordination.close();
  });

  it('needs the right to enrol', async () => {
    const nobody = control.contextFor({ kind: 'user', userId: OTHER, name: 'nobody' });
    await expect(createEnrollmentToken(nobody, { subscriptionId: SUBSCRIPTION, agentName: 'x' })).rejects.toMatchObject(
      { kind: 'NotFound' },
    );
  });

  it('is slowed down for an address that keeps guessing', async () => {
    const guess = () =>
      control.enroll(
        [
          'hfe1',
          systemRandom.bytes(32).toString('base64url'),
          control.authority.fingerprint.toString('base64url'),
        ].join('.'),
      );
    const kinds = [];
    for (let n = 0; n < 40; n += 1) kinds.push(await guess().catch((error: { kind: string }) => error.kind));
    expect(kinds.slice(0, 10)).toEqual(Array(10).fill('Unauthenticated'));
    expect(kinds.at(-1)).toBe('RateLimited');
    await db.clock.advance(15 * 60_000);
    await expect(guess()).rejects.toMatchObject({ kind: 'Unauthenticated' });
  });
});

describe("an agent's certificate", () => {
  it('is renewed for the same agent and another key', async () => {
    const agent = await control.newAgent('renewing');
    const client = control.controlClient(agent.identity);
    const { request, key } = await makeRequest();
    const renewed = await answer<{ certificateChain: string }>((done) =>
      client.renewCertificate({ certificateRequest: request }, done),
    );
    client.close();
    expect(new X509Certificate(renewed.certificateChain).subjectAltName).toBe(`URI:holdfast://agent/${agent.id}`);
    const again = control.controlClient({ certificateChain: renewed.certificateChain, key });
    await answer((done) => again.renewCertificate({ certificateRequest: request }, done));
    again.close();
  });

  it('is not renewed again and again', async () => {
    const agent = await control.newAgent('eager');
    const client = control.controlClient(agent.identity);
    const { request } = await makeRequest();
    const renew = () => answer((done) => client.renewCertificate({ certificateRequest: request }, done));
    for (let times = 0; times < 5; times += 1) await renew();
    await expect(renew()).rejects.toMatchObject({ kind: 'RateLimited', code: 'TOO_FAST' });
    client.close();
  });

  it('opens no door of another role', async () => {
    const agent = await control.newAgent('role');
    const client = control.coordinationClient(agent.identity);
    await expect(answer((done) => client.listVaultStores({}, done))).rejects.toMatchObject({
      kind: 'Forbidden',
      code: 'WRONG_CERTIFICATE_ROLE',
    });
    client.close();
    await expect
      .poll(() => auditOf(`agent:${agent.id}`))
      .toEqual([['callForeignService', 'REFUSED', 'WRONG_CERTIFICATE_ROLE']]);
    for (const role of ['gateway', 'control'] as const) {
      const other = control.controlClient(await control.authority.issue({ identity: { role, id: OTHER } }));
      await expect(
        answer((done) => other.renewCertificate({ certificateRequest: Buffer.alloc(0) }, done)),
      ).rejects.toMatchObject({ kind: 'Forbidden', code: 'WRONG_CERTIFICATE_ROLE' });
      other.close();
    }
  });

  it('of another CA, or none at all, does not pass the handshake', async () => {
    const foreign = createAuthority(await generateAuthority(systemClock, systemRandom), {
      clock: systemClock,
      random: systemRandom,
    });
    const client = control.controlClient(await foreign.issue({ identity: { role: 'agent', id: OTHER } }));
    await expect(
      answer((done) =>
        client.renewCertificate(
          { certificateRequest: Buffer.alloc(0) },
          { deadline: Date.now() + 3_000 } as never,
          done,
        ),
      ),
    ).rejects.toMatchObject({ kind: 'Unavailable' });
    client.close();
    const bare = new CoordinationServiceClient(
      control.addresses.control,
      credentials.createSsl(Buffer.from(control.authority.certificate)),
    );
    await expect(answer((done) => bare.listVaultStores({}, done))).rejects.toMatchObject({ kind: 'Unavailable' });
    bare.close();
  });

  it('of an agent that the catalog does not know is refused', async () => {
    const ghost = control.controlClient(await control.authority.issue({ identity: { role: 'agent', id: OTHER } }));
    await expect(
      answer((done) => ghost.renewCertificate({ certificateRequest: Buffer.alloc(0) }, done)),
    ).rejects.toMatchObject({ kind: 'Forbidden', code: 'AGENT_REVOKED' });
    ghost.close();
  });
});

describe('a control stream', () => {
  it('makes the agent online with what it says of itself, until it ends', async () => {
    const agent = await control.newAgent('online');
    const stream = await agent.connect();
    const seen = await agentOf(agent.id);
    expect(seen).toMatchObject({ capabilities: ['workload.files'], host: { hostName: 'box', agentVersion: '2' } });
    const online = await listAgents(control.system, { status: 'ONLINE' }, { first: 50 });
    expect(online.items.map(({ item }) => item.id)).toEqual([agent.id]);
    stream.send({ $case: 'heartbeat', value: { sequence: 42n } });
    expect((await stream.next('heartbeatAck')).sequence).toBe(42n);
    expect(control.links.lastSeenAt(agent.id)).toBe(db.clock.now());
    stream.close();
    await expect.poll(() => statusOf(seen, control.links)).toBe('OFFLINE');
    expect(
      (await listAgents(control.system, { status: 'OFFLINE' }, { first: 50 })).items.map(({ item }) => item.id),
    ).toContain(agent.id);
  });

  it('is ended by a newer one of the same agent', async () => {
    const agent = await control.newAgent('newer');
    const older = await agent.connect();
    const newer = await agent.connect();
    expect(await older.ended).toMatchObject({ kind: 'Locked', code: 'NEWER_STREAM' });
    newer.send({ $case: 'heartbeat', value: { sequence: 1n } });
    await newer.next('heartbeatAck');
    agent.close();
  });

  /** Another run of the agent has said Hello, and waits for a sign of life of the one before. */
  const comeAnew = async (agent: TestAgent): Promise<TestStream> => {
    const before = control.silence.waiting;
    const stream = agent.startAnew().stream();
    stream.hello();
    await expect.poll(() => control.silence.waiting).toBe(before + 2);
    return stream;
  };

  it('keeps its place from a copy of its host that shows the same certificate, as long as it gives signs of life', async () => {
    const agent = await control.newAgent('cloned');
    const original = await agent.connect();
    const copy = await comeAnew(agent);
    await control.silence.advance(9_000);
    original.send({ $case: 'heartbeat', value: { sequence: 1n } });
    await original.next('heartbeatAck');
    expect(await copy.ended).toMatchObject({
      kind: 'Locked',
      code: 'IDENTITY_SHARED',
      message: expect.stringContaining('enrol it under another name') as string,
    });
    await expect.poll(() => auditOf(`agent:${agent.id}`)).toEqual([['connectAgent', 'REFUSED', 'IDENTITY_SHARED']]);
    original.send({ $case: 'heartbeat', value: { sequence: 2n } });
    expect((await original.next('heartbeatAck')).sequence).toBe(2n);
    agent.close();
  });

  it('is awaited for a minute after it was lost, and its place kept for it', async () => {
    const agent = await control.newAgent('lost');
    const lost = await agent.connect();
    const copy = await comeAnew(agent);
    await control.silence.advance(10_000);
    // Nothing was heard of the other for ten seconds: it may be back.
    expect(await copy.ended).toMatchObject({ kind: 'Locked', code: 'IDENTITY_RECENT' });
    expect(control.links.ready(agent.id)).toBeDefined();
    lost.close();
    await expect.poll(() => control.links.attached(agent.id)).toBeUndefined();
    const early = agent.startAnew().stream();
    early.hello();
    expect(await early.ended).toMatchObject({ code: 'IDENTITY_RECENT' });
    await db.clock.advance(65_000);
    const late = agent.startAnew().stream();
    late.hello();
    await late.next('welcome');
    agent.close();
  });

  it('gives its place at once to whoever comes after a goodbye', async () => {
    const agent = await control.newAgent('leaving');
    const leaving = await agent.connect();
    leaving.send({ $case: 'goodbye', value: {} });
    leaving.halfClose();
    expect(await leaving.ended).toMatchObject({ code: 'ENDED' });
    await agent.startAnew().connect();
    agent.close();
  });

  it('takes one transaction of Hello', async () => {
    const agent = await control.newAgent('frugal');
    const { of } = db.unitsOfWork;
    let own = 0;
    const counting = vi.spyOn(db.unitsOfWork, 'of').mockImplementation((...caller) => {
      const unitOfWork = of(...caller);
      return {
        run: (...asked) => {
          // Those of the queue, which is looked at beside, are not counted.
          if (new Error().stack?.includes('connect-agent')) own += 1;
          return unitOfWork.run(...asked);
        },
      };
    });
    await agent.connect();
    counting.mockRestore();
    expect(own).toBe(1);
    agent.close();
  });

  it('is for who had it before the server was started anew, for a minute', async () => {
    const agent = await control.newAgent('known');
    await agent.connect();
    agent.close();
    const anew = await startControl(db, { authority: control.authority, startedAt: db.clock.now() });
    const again = new TestAgent(agent.id, anew.addresses.control, agent.identity);
    const another = again.stream();
    another.hello();
    expect(await another.ended).toMatchObject({ kind: 'Locked', code: 'IDENTITY_RECENT' });
    expect(anew.links.attached(agent.id)).toBeUndefined();
    await agent.resumeAs(again).connect();
    again.close();
    const late = await control.newAgent('late');
    await late.connect();
    late.close();
    await db.clock.advance(65_000);
    await new TestAgent(late.id, anew.addresses.control, late.identity).connect();
    await anew.stop();
  });

  it('is ended with the door also before it has a place', async () => {
    const links = new LinkRegistry();
    const reason = new HoldfastError({ kind: 'Unavailable', code: 'STOPPING', message: 'stopping' });
    const ended: unknown[] = [];
    const link = { agentId: 'a', send: () => false, end: (why: unknown) => void ended.push(why) };
    links.opened(link);
    links.endAll(reason);
    links.opened(link);
    expect(ended).toEqual([reason, reason]);
  });

  it('is dropped after twenty seconds of silence, and not before', async () => {
    const agent = await control.newAgent('silent');
    const stream = await agent.connect();
    await control.silence.advance(19_000);
    stream.send({ $case: 'heartbeat', value: { sequence: 1n } });
    await stream.next('heartbeatAck');
    await control.silence.advance(19_999);
    expect(control.links.ready(agent.id)).toBeDefined();
    await control.silence.advance(1);
    expect(await stream.ended).toMatchObject({ kind: 'Timeout', code: 'AGENT_SILENT' });
    expect(control.links.ready(agent.id)).toBeUndefined();
  });

  it('is read slowly when the agent says very much', async () => {
    const agent = await control.newAgent('talkative');
    const stream = await agent.connect();
    for (let sequence = 1n; sequence <= 2_010n; sequence += 1n)
      stream.send({ $case: 'heartbeat', value: { sequence } });
    // Hello was the first of the two thousand.
    for (let answered = 0; answered < 1_999; answered += 1) await stream.next('heartbeatAck');
    let more = 0;
    void (async () => {
      for (;;) {
        await stream.next('heartbeatAck');
        more += 1;
      }
    })().catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(more).toBe(0);
    await control.silence.advance(1_000);
    await expect.poll(() => more).toBeGreaterThan(0);
    agent.close();
  });

  it('begins with Hello, once', async () => {
    const agent = await control.newAgent('rude');
    const hasty = agent.stream();
    hasty.send({ $case: 'heartbeat', value: { sequence: 1n } });
    expect(await hasty.ended).toMatchObject({ kind: 'Validation', code: 'PROTOCOL' });
    const nameless = agent.stream();
    nameless.send({
      $case: 'hello',
      value: { host: undefined, capabilities: [], running: [], instance: Buffer.alloc(0) },
    });
    expect(await nameless.ended).toMatchObject({ kind: 'Validation', code: 'PROTOCOL' });
    const twice = await agent.connect();
    twice.hello();
    expect(await twice.ended).toMatchObject({ kind: 'Validation', code: 'PROTOCOL' });
  });

  it('is refused to other roles', async () => {
    const client = control.controlClient(await control.authority.issue({ identity: { role: 'gateway', id: OTHER } }));
    const call = client.connect();
    const error = await new Promise<{ code: number }>((resolve) => call.on('error', resolve as never));
    expect(error.code).toBe(7);
    client.close();
  });

  it('of a revoked agent ends at once and is refused from then on, and the gateway is told until it hears', async () => {
    const agent = await control.newAgent('revoked');
    const stream = await agent.connect();
    control.gatewayCalls.away = true;
    await revokeAgent(control.system, { agentId: agent.id });
    expect(await stream.ended).toMatchObject({ kind: 'Forbidden', code: 'AGENT_REVOKED' });
    const again = agent.stream();
    again.hello();
    expect(await again.ended).toMatchObject({ kind: 'Forbidden', code: 'AGENT_REVOKED' });
    const client = control.controlClient(agent.identity);
    await expect(
      answer((done) => client.renewCertificate({ certificateRequest: Buffer.alloc(0) }, done)),
    ).rejects.toMatchObject({ code: 'AGENT_REVOKED' });
    client.close();
    expect(control.gatewayCalls.voided).toEqual([]);
    control.gatewayCalls.away = false;
    const later = async (): Promise<string[]> => {
      await db.clock.advance(1_000);
      return control.gatewayCalls.voided;
    };
    await expect.poll(later).toEqual([agent.id]);
    expect(statusOf(await agentOf(agent.id), control.links)).toBe('REVOKED');
    expect(
      (await listAgents(control.system, { status: 'REVOKED' }, { first: 50 })).items.map(({ item }) => item.id),
    ).toEqual([agent.id]);
    await revokeAgent(control.system, { agentId: agent.id });
    // The name is free again.
    expect((await control.enroll(await control.newToken('revoked'))).agentName).toBe('revoked');
  });
});
