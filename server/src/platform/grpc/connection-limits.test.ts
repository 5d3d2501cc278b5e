import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { ClientReadableStream } from '@grpc/grpc-js';
import { Client, credentials } from '@grpc/grpc-js';
import { ManualClock, systemClock } from '@holdfast/core/clock';
import { systemRandom } from '@holdfast/core/ids';
import { collectAll } from '@holdfast/core/memory';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Authority, IssuedIdentity } from '../pki/certificate-authority.js';
import { createAuthority, generateAuthority } from '../pki/certificate-authority.js';
import type { RotatingIdentity } from '../pki/rotating-identity.js';
import { rotateIdentity } from '../pki/rotating-identity.js';
import { FAILURE_MS } from './call-limits.js';
import { CERTIFICATE_DOOR, DATA_CALLS, ENROLLMENT_CALLS, ENROLLMENT_DOOR } from './connection-limits.js';
import { fromGrpcError } from './errors.js';
import type { GrpcLimits, GrpcServer, GrpcService } from './grpc-server.js';
import { createGrpcServer } from './grpc-server.js';
import type { HealthAnswer } from './health.js';
import { HealthService, SERVING } from './health.js';
import * as http2 from './http2-frames.fixture.js';

const AGENT = '01901234-5678-7abc-8def-0123456789ab';
const OTHER = '01901234-5678-7abc-8def-0123456789ac';
const MIB = 1024 * 1024;
const log = pino({ level: 'silent' });
const { check, watch } = HealthService;
const asIs = (bytes: Buffer): Buffer => bytes;
const TAKES = {
  take: { ...check, path: '/taking/take', requestStream: true, requestSerialize: asIs, requestDeserialize: asIs },
};
const HANGS = { hang: { ...watch, path: '/hanging/hang' } };

let authority: Authority;
let identity: RotatingIdentity;
let agent: IssuedIdentity;
let other: IssuedIdentity;
const servers: GrpcServer[] = [];
const ends: (() => void)[] = [];

beforeAll(async () => {
  const ports = { clock: systemClock, random: systemRandom };
  authority = createAuthority(await generateAuthority(systemClock, systemRandom), ports);
  identity = await rotateIdentity(authority, { hosts: ['gateway.test'] }, { ...ports, timers: systemClock, log });
  agent = await authority.issue({ identity: { role: 'agent', id: AGENT } });
  other = await authority.issue({ identity: { role: 'agent', id: OTHER } });
});
afterEach(async () => {
  for (const end of ends.splice(0)) end();
  for (const server of servers.splice(0)) await server.close(100);
});
afterAll(() => identity.stop());

async function open(
  limits: Partial<GrpcLimits>,
  { clientCertificates = true, timers = systemClock, services = [] as GrpcService[] } = {},
): Promise<number> {
  const server = createGrpcServer({
    identity,
    clientCertificates,
    services,
    limits: {
      maxMessageBytes: 1_024,
      maxConcurrentCalls: 8,
      resets: { burst: 100, perSecond: 10 },
      connections: CERTIFICATE_DOOR,
      calls: DATA_CALLS,
      ...limits,
    },
    clock: systemClock,
    timers,
    log,
  });
  servers.push(server);
  return Number((await server.listen('127.0.0.1', 0)).split(':')[1]);
}

/** A connection that the server has taken, and nothing more; `closed` resolves when it does not want it. */
async function secure(port: number, as?: IssuedIdentity): Promise<{ socket: TLSSocket; closed: Promise<void> }> {
  const socket = connectTls({
    port,
    host: '127.0.0.1',
    servername: 'gateway.test',
    ca: authority.certificate,
    ALPNProtocols: ['h2'],
    ...(as === undefined ? {} : { key: as.key, cert: as.certificateChain }),
  });
  ends.push(() => socket.destroy());
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  // With TLS 1.3 a client is done before the server has seen its certificate; the first frame comes after that.
  await Promise.race([new Promise((resolve) => socket.once('data', resolve)), closed]);
  return { socket, closed };
}

/** The beginning of a connection with one call. */
function callTo(path: string): Buffer {
  const opened = http2.frame(http2.HEADERS, http2.END_HEADERS, 1, http2.callHeaders(path));
  const settings = [0, http2.ACK].map((flags) => http2.frame(http2.SETTINGS, flags, 0, Buffer.alloc(0)));
  return Buffer.concat([http2.PREFACE, ...settings, opened]);
}

function data(bytes: Buffer): Buffer {
  return http2.frame(http2.DATA, 0, 1, bytes);
}

/** No faster than the other side takes them, as long as that lasts; answers how many it took. */
async function sendShortFrames(socket: TLSSocket, count: number): Promise<number> {
  const thousand = Buffer.concat(Array.from({ length: 1_000 }, () => data(Buffer.alloc(1))));
  let sent = 0;
  for (; sent < count && !socket.destroyed; sent += 1_000)
    await new Promise<void>((resolve) => socket.write(thousand, () => resolve()));
  return sent;
}

function silent(port: number): Socket {
  const socket = connectTcp(port, '127.0.0.1');
  ends.push(() => socket.destroy());
  return socket.on('error', () => undefined);
}

function client(port: number, as?: IssuedIdentity): Client {
  const secured = credentials.createSsl(
    Buffer.from(authority.certificate),
    as && Buffer.from(as.key),
    as && Buffer.from(as.certificateChain),
  );
  const made = new Client(`127.0.0.1:${port}`, secured, {
    'grpc.ssl_target_name_override': 'gateway.test',
    'grpc.use_local_subchannel_pool': 1,
  });
  ends.push(() => made.close());
  return made;
}

const isHealthy = (by: Client): Promise<boolean> =>
  new Promise((resolve) =>
    by.makeUnaryRequest(
      check.path,
      check.requestSerialize,
      check.responseDeserialize,
      { service: '' },
      (error, state) => resolve(!error && state?.status === SERVING),
    ),
  );
/** A call that stays open; resolves to why it was refused, or to nothing once it is under way. */
async function startWatching(by: Client): Promise<{ call: ClientReadableStream<HealthAnswer>; refusal?: string }> {
  const call = by.makeServerStreamRequest(watch.path, watch.requestSerialize, watch.responseDeserialize, {
    service: '',
  });
  return new Promise((resolve) => {
    call.once('data', () => resolve({ call }));
    call.on('error', (error) => resolve({ call, refusal: fromGrpcError(error).code }));
  });
}

function resetCall(stream: number): Buffer {
  return Buffer.concat([
    http2.frame(http2.HEADERS, http2.END_HEADERS, stream, http2.callHeaders(check.path)),
    http2.frame(http2.RST_STREAM, 0, stream, Buffer.of(0, 0, 0, 8)),
  ]);
}

describe('a gRPC door', () => {
  it('takes so many connections of one identity, and of another as many again', async () => {
    const perIdentity = { ...CERTIFICATE_DOOR.perIdentity, agent: { atOnce: 2 } };
    const port = await open({ connections: { ...CERTIFICATE_DOOR, perIdentity } });
    const [first] = [await secure(port, agent), await secure(port, agent)];
    await (await secure(port, agent)).closed;
    expect(await isHealthy(client(port, agent))).toBe(false);
    expect(await isHealthy(client(port, other))).toBe(true);
    first.socket.destroy();
    await expect.poll(() => isHealthy(client(port, agent))).toBe(true);
  });

  it('takes so many connections of one identity one after the other, and then so many a second', async () => {
    const agentLimits = { atOnce: 16, pace: { burst: 3, perSecond: 0.001 } };
    const perIdentity = { ...CERTIFICATE_DOOR.perIdentity, agent: agentLimits };
    const port = await open({ connections: { ...CERTIFICATE_DOOR, perIdentity } });
    for (let i = 0; i < 3; i += 1) (await secure(port, agent)).socket.destroy();
    await (await secure(port, agent)).closed;
    expect(await isHealthy(client(port, other))).toBe(true);
  });

  it('serves others while somebody opens connections and says nothing', async () => {
    const unknown = { ...CERTIFICATE_DOOR.unknown, places: 5, graceMs: 0 };
    const port = await open({ connections: { ...CERTIFICATE_DOOR, unknown } });
    const idle = Array.from({ length: 20 }, () => silent(port));
    await expect.poll(() => idle.filter((socket) => socket.closed).length).toBe(15);
    expect(await isHealthy(client(port, agent))).toBe(true);
  });

  it("counts a connection as nobody's until its certificate is checked, and not after", async () => {
    const unknown = { ...CERTIFICATE_DOOR.unknown, places: 1, graceMs: 60_000 };
    const port = await open({ connections: { ...CERTIFICATE_DOOR, unknown } });
    const three = [await secure(port, agent), await secure(port, agent), await secure(port, other)];
    expect(three.every(({ socket }) => !socket.destroyed)).toBe(true);
    expect(await isHealthy(client(port, agent))).toBe(true);
  });

  it('takes so many connections of one address where nobody has a certificate', async () => {
    const unknown = { ...ENROLLMENT_DOOR.unknown, perAddress: 2, graceMs: 60_000 };
    const limits = { connections: { ...ENROLLMENT_DOOR, unknown }, calls: ENROLLMENT_CALLS };
    const port = await open(limits, { clientCertificates: false });
    const [first] = [await secure(port), await secure(port)];
    await (await secure(port)).closed;
    first.socket.destroy();
    await expect.poll(() => isHealthy(client(port))).toBe(true);
  });

  it('takes so many calls of one identity over all its connections', async () => {
    const port = await open({ calls: { ...DATA_CALLS, agent: { atOnce: 2 } } });
    const connections = [client(port, agent), client(port, agent), client(port, agent)];
    const calls = [];
    for (const each of connections) calls.push(await startWatching(each));
    expect(calls.map(({ refusal }) => refusal)).toEqual([undefined, undefined, 'TOO_MANY_CALLS']);
    expect((await startWatching(client(port, other))).refusal).toBeUndefined();
    calls[0]?.call.cancel();
    await expect.poll(async () => (await startWatching(client(port, agent))).refusal).toBe(undefined);
  });

  it('takes so many calls of one identity one after the other, and then so many a second', async () => {
    const agentLimits = { atOnce: 8, pace: { burst: 3, perSecond: 0.001 } };
    const port = await open({ calls: { ...DATA_CALLS, agent: agentLimits } });
    const outcomes = [];
    for (let i = 0; i < 5; i += 1) outcomes.push(await isHealthy(client(port, agent)));
    expect(outcomes).toEqual([true, true, true, false, false]);
    expect(await isHealthy(client(port, other))).toBe(true);
  });

  it('lets an agent whose calls fail again and again wait for each further failure', async () => {
    const clock = new ManualClock();
    const port = await open({ calls: { ...DATA_CALLS, agent: { atOnce: 0 } } }, { timers: clock });
    const by = client(port, agent);
    let told = 0;
    const call = (): void => void isHealthy(by).then(() => (told += 1));
    for (let calls = 0; calls < 50; calls += 1) await isHealthy(by);
    for (let calls = 0; calls < 8; calls += 1) call();
    // A few more may fail at once, as time goes by.
    await expect.poll(() => clock.waiting + told).toBe(8);
    expect(clock.waiting).toBeGreaterThan(0);
    const soon = told;
    await clock.advance(FAILURE_MS - 1);
    expect(told).toBe(soon);
    await clock.advance(1);
    await expect.poll(() => told).toBe(8);

    const { path, requestSerialize, responseDeserialize } = watch;
    const gone = Array.from({ length: 8 }, () =>
      by
        .makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service: '' })
        .on('error', () => undefined),
    );
    await expect.poll(() => clock.waiting).toBeGreaterThan(0);
    for (const each of gone) each.cancel();
    await expect.poll(() => clock.waiting).toBe(0);
  });

  it('keeps nothing of what is sent to a call that waits for its failure', async () => {
    const clock = new ManualClock();
    const services = [{ name: 'taking', definition: TAKES, handlers: { take: () => undefined } }];
    const limits = { maxMessageBytes: 65_536, calls: { ...DATA_CALLS, agent: { atOnce: 0 } } };
    const by = client(await open(limits, { timers: clock, services }), agent);
    const { path, requestSerialize, responseDeserialize } = TAKES.take;
    // Far more than windows, and what a client keeps for itself, have room for.
    const MESSAGES = 100;
    for (let calls = 0; calls < 50; calls += 1) await isHealthy(by);
    const calls = Array.from({ length: 8 }, () => {
      const state = { isOver: false, sent: 0 };
      const call = by.makeClientStreamRequest(path, requestSerialize, responseDeserialize, () => (state.isOver = true));
      call.on('error', () => undefined);
      for (let messages = 0; messages < MESSAGES; messages += 1)
        call.write(Buffer.alloc(60_000), () => (state.sent += 1));
      return state;
    });
    await expect.poll(() => calls.every(({ isOver, sent }) => isOver || sent === MESSAGES)).toBe(true);
    expect(calls.filter(({ isOver }) => !isOver).length).toBe(clock.waiting);
    expect(clock.waiting).toBeGreaterThan(0);
  });

  it('lets whoever has no certificate wait for each further failure, too', async () => {
    const clock = new ManualClock();
    const limits = { connections: ENROLLMENT_DOOR, calls: { ...ENROLLMENT_CALLS, unknown: { atOnce: 0 } } };
    const port = await open(limits, { clientCertificates: false, timers: clock });
    const by = client(port);
    for (let calls = 0; calls < 50; calls += 1) await isHealthy(by);
    const last = Array.from({ length: 8 }, () => isHealthy(by));
    await expect.poll(() => clock.waiting).toBeGreaterThan(0);
    await clock.advance(FAILURE_MS);
    expect(await Promise.all(last)).toEqual(Array.from({ length: 8 }, () => false));
  });

  it('lets so many calls be broken off on one connection, and ends it then', async () => {
    const port = await open({ resets: { burst: 5, perSecond: 1 } });
    const { socket, closed } = await secure(port, agent);
    socket.write(Buffer.concat([http2.PREFACE, http2.frame(http2.SETTINGS, 0, 0, Buffer.alloc(0))]));
    let next = 1;
    const breakOff = (calls: number): void => {
      for (; calls > 0; calls -= 1, next += 2) socket.write(resetCall(next));
    };
    breakOff(4);
    expect(await Promise.race([closed.then(() => 'closed'), systemClock.sleep(300)])).toBeUndefined();
    breakOff(8);
    await closed;
    expect(await isHealthy(client(port, agent))).toBe(true);
  });

  it('gives up a call whose request does not come, also in part', async () => {
    const clock = new ManualClock();
    const port = await open({ calls: { ...DATA_CALLS, agent: { atOnce: 1 } } }, { timers: clock });
    const { socket } = await secure(port, agent);
    const opened = http2.frame(http2.HEADERS, http2.END_HEADERS, 1, http2.callHeaders(check.path));
    socket.write(Buffer.concat([http2.PREFACE, http2.frame(http2.SETTINGS, 0, 0, Buffer.alloc(0)), opened]));
    await expect.poll(() => clock.waiting).toBe(1);
    expect(await isHealthy(client(port, agent))).toBe(false);
    await clock.advance(120_000);
    await expect.poll(() => isHealthy(client(port, agent))).toBe(true);
    expect(clock.waiting).toBe(0);
  });

  it('waits no longer than it is told for calls that do not end when it closes', async () => {
    const handlers = { hang: () => undefined };
    const port = await open({}, { services: [{ name: 'hanging', definition: HANGS, handlers }] });
    const by = client(port, agent);
    const { path, requestSerialize, responseDeserialize } = HANGS.hang;
    const call = by.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service: '' });
    const over = new Promise((resolve) => call.once('error', resolve));
    await isHealthy(by);
    const started = performance.now();
    await servers.pop()?.close(300);
    await over;
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it('keeps of a message that comes in very short frames little more than it is long', async () => {
    const port = await open({ maxMessageBytes: MIB });
    const { socket } = await secure(port, agent);
    socket.write(callTo(check.path));
    socket.write(data(Buffer.of(0, 0, 0x10, 0, 0)));
    collectAll();
    const before = process.memoryUsage().heapUsed;
    await sendShortFrames(socket, 300_000);
    socket.write(http2.frame(http2.PING, 0, 0, Buffer.from('received')));
    await new Promise<void>((resolve) =>
      socket.on('data', (bytes: Buffer) => {
        if (bytes.includes('received')) resolve();
      }),
    );
    collectAll();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(12 * MIB);
  });

  it('ends the connection of whoever sends very short frames that nobody reads, and serves others', async () => {
    const services = [{ name: 'taking', definition: TAKES, handlers: { take: () => undefined } }];
    const port = await open({ windowBytes: 16 * MIB }, { services });
    const { socket, closed } = await secure(port, agent);
    socket.write(callTo(TAKES.take.path));
    // Enough messages that nobody takes more: what comes then waits.
    for (let messages = 0; messages < 100; messages += 1) socket.write(data(Buffer.alloc(5)));
    expect(await sendShortFrames(socket, 200_000)).toBeLessThan(200_000);
    await closed;
    expect(await isHealthy(client(port, agent))).toBe(true);
  });

  it.each<[string, (index: number) => Buffer]>([
    ['calls that are reset at once', (index) => resetCall(2 * index + 1)],
    [
      'headers without an end',
      (index) =>
        index === 0
          ? http2.frame(http2.HEADERS, 0, 1, http2.callHeaders(check.path))
          : http2.frame(http2.CONTINUATION, 0, 1, http2.headerBlock({ [`x-${index}`]: 'y'.repeat(1_000) })),
    ],
  ])('ends the connection of whoever floods it with %s, and serves others', async (_, next) => {
    const port = await open({});
    const { socket, closed } = await secure(port, agent);
    socket.write(Buffer.concat([http2.PREFACE, http2.frame(http2.SETTINGS, 0, 0, Buffer.alloc(0))]));
    socket.pause();
    let over = false;
    void closed.then(() => (over = true));
    for (let index = 0; !over && index < 1_000_000; index += 100) {
      socket.write(Buffer.concat(Array.from({ length: 100 }, (_each, more) => next(index + more))));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
    expect(await isHealthy(client(port, agent))).toBe(true);
  });
});
