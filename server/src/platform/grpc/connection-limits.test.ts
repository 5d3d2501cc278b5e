import { X509Certificate } from 'node:crypto';
import type { Client, ClientReadableStream, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { ManualClock, systemClock } from '@holdfast/core/clock';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as http2 from '../../../../test/kit/http2-frames.js';
import type { IssuedIdentity } from '../pki/certificate-authority.js';
import { FAILURE_MS } from './call-limits.js';
import { callerFromCertificate } from './caller.js';
import { CERTIFICATE_DOOR, DATA_CALLS, ENROLLMENT_CALLS, ENROLLMENT_DOOR } from './connection-limits.js';
import { DoorScene, isHealthy, TAKES } from './door-scene.fixture.js';
import { fromGrpcError } from './errors.js';
import type { HealthAnswer, HealthQuestion } from './health.js';
import { HealthService, SERVING } from './health.js';

const { check, watch } = HealthService;
const ASKS = { ask: { ...check, path: '/asking/ask' } };
const OPENING = Buffer.concat([http2.PREFACE, http2.frame(http2.SETTINGS, 0, 0, Buffer.alloc(0))]);
const HANGS = { hang: { ...watch, path: '/hanging/hang' } };

let scene: DoorScene;
let agent: IssuedIdentity;
let other: IssuedIdentity;
beforeAll(async () => {
  scene = await DoorScene.create();
  ({ agent, other } = scene);
});
afterEach(() => scene.clear());
afterAll(() => scene.identity.stop());

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

/** Its message is empty. */
function askCall(stream: number): Buffer {
  return Buffer.concat([
    http2.frame(http2.HEADERS, http2.END_HEADERS, stream, http2.callHeaders(ASKS.ask.path)),
    http2.frame(http2.DATA, http2.END_STREAM, stream, Buffer.alloc(5)),
  ]);
}

describe('a gRPC door', () => {
  it('takes so many connections of one identity, and of another as many again', async () => {
    const perIdentity = { ...CERTIFICATE_DOOR.perIdentity, agent: { atOnce: 2 } };
    const port = await scene.open({ connections: { ...CERTIFICATE_DOOR, perIdentity } });
    const [first] = [await scene.secure(port, agent), await scene.secure(port, agent)];
    await (await scene.secure(port, agent)).closed;
    expect(await isHealthy(scene.client(port, agent))).toBe(false);
    expect(await isHealthy(scene.client(port, other))).toBe(true);
    first.socket.destroy();
    await expect.poll(() => isHealthy(scene.client(port, agent))).toBe(true);
  });

  it('takes so many connections of one identity one after the other, and then so many a second', async () => {
    const agentLimits = { atOnce: 16, pace: { burst: 3, perSecond: 0.001 } };
    const perIdentity = { ...CERTIFICATE_DOOR.perIdentity, agent: agentLimits };
    const port = await scene.open({ connections: { ...CERTIFICATE_DOOR, perIdentity } });
    for (let i = 0; i < 3; i += 1) (await scene.secure(port, agent)).socket.destroy();
    await (await scene.secure(port, agent)).closed;
    expect(await isHealthy(scene.client(port, other))).toBe(true);
  });

  it('begins the calls of others between those that one caller makes all at once', async () => {
    const begun: string[] = [];
    const ask = (call: ServerUnaryCall<HealthQuestion, HealthAnswer>, answer: sendUnaryData<HealthAnswer>): void => {
      begun.push(callerFromCertificate(call).serial);
      answer(null, { status: SERVING });
    };
    const services = [{ name: 'asking', definition: ASKS, handlers: { ask } }];
    const port = await scene.open({ maxConcurrentCalls: 64 }, { services });
    const [greedy, modest] = [await scene.secure(port, agent), await scene.secure(port, other)];
    for (const { socket } of [greedy, modest]) socket.write(OPENING);
    greedy.socket.write(Buffer.concat(Array.from({ length: 60 }, (_, call) => askCall(2 * call + 1))));
    modest.socket.write(askCall(1));
    await expect.poll(() => begun.length).toBe(61);
    expect(begun.indexOf(new X509Certificate(other.certificateChain).serialNumber)).toBeLessThan(10);
  });

  it('serves others while somebody opens connections and says nothing', async () => {
    const unknown = { ...CERTIFICATE_DOOR.unknown, places: 5, graceMs: 0 };
    const port = await scene.open({ connections: { ...CERTIFICATE_DOOR, unknown } });
    const idle = Array.from({ length: 20 }, () => scene.silent(port));
    await expect.poll(() => idle.filter((socket) => socket.closed).length).toBe(15);
    expect(await isHealthy(scene.client(port, agent))).toBe(true);
  });

  it("counts a connection as nobody's until its certificate is checked, and not after", async () => {
    const unknown = { ...CERTIFICATE_DOOR.unknown, places: 1, graceMs: 60_000 };
    const port = await scene.open({ connections: { ...CERTIFICATE_DOOR, unknown } });
    const three = [await scene.secure(port, agent), await scene.secure(port, agent), await scene.secure(port, other)];
    expect(three.every(({ socket }) => !socket.destroyed)).toBe(true);
    expect(await isHealthy(scene.client(port, agent))).toBe(true);
  });

  it('takes so many connections of one address where nobody has a certificate', async () => {
    const unknown = { ...ENROLLMENT_DOOR.unknown, perAddress: 2, graceMs: 60_000 };
    const limits = { connections: { ...ENROLLMENT_DOOR, unknown }, calls: ENROLLMENT_CALLS };
    const port = await scene.open(limits, { clientCertificates: false });
    const [first] = [await scene.secure(port), await scene.secure(port)];
    await (await scene.secure(port)).closed;
    first.socket.destroy();
    await expect.poll(() => isHealthy(scene.client(port))).toBe(true);
  });

  it('takes so many calls of one identity over all its connections', async () => {
    const port = await scene.open({ calls: { ...DATA_CALLS, agent: { atOnce: 2 } } });
    const connections = [scene.client(port, agent), scene.client(port, agent), scene.client(port, agent)];
    const calls = [];
    for (const each of connections) calls.push(await startWatching(each));
    expect(calls.map(({ refusal }) => refusal)).toEqual([undefined, undefined, 'TOO_MANY_CALLS']);
    expect((await startWatching(scene.client(port, other))).refusal).toBeUndefined();
    calls[0]?.call.cancel();
    await expect.poll(async () => (await startWatching(scene.client(port, agent))).refusal).toBe(undefined);
  });

  it('takes so many calls of one identity one after the other, and then so many a second', async () => {
    const agentLimits = { atOnce: 8, pace: { burst: 3, perSecond: 0.001 } };
    const port = await scene.open({ calls: { ...DATA_CALLS, agent: agentLimits } });
    const outcomes = [];
    for (let i = 0; i < 5; i += 1) outcomes.push(await isHealthy(scene.client(port, agent)));
    expect(outcomes).toEqual([true, true, true, false, false]);
    expect(await isHealthy(scene.client(port, other))).toBe(true);
  });

  it('lets an agent whose calls fail again and again wait for each further failure', async () => {
    const clock = new ManualClock();
    const port = await scene.open({ calls: { ...DATA_CALLS, agent: { atOnce: 0 } } }, { timers: clock });
    const by = scene.client(port, agent);
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
    const by = scene.client(await scene.open(limits, { timers: clock, services }), agent);
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
    const port = await scene.open(limits, { clientCertificates: false, timers: clock });
    const by = scene.client(port);
    for (let calls = 0; calls < 50; calls += 1) await isHealthy(by);
    const last = Array.from({ length: 8 }, () => isHealthy(by));
    await expect.poll(() => clock.waiting).toBeGreaterThan(0);
    await clock.advance(FAILURE_MS);
    expect(await Promise.all(last)).toEqual(Array.from({ length: 8 }, () => false));
  });

  it('lets so many calls be broken off on one connection, and ends it then', async () => {
    const port = await scene.open({ resets: { burst: 5, perSecond: 1 } });
    const { socket, closed } = await scene.secure(port, agent);
    socket.write(OPENING);
    let next = 1;
    const breakOff = (calls: number): void => {
      for (; calls > 0; calls -= 1, next += 2) socket.write(resetCall(next));
    };
    breakOff(4);
    expect(await Promise.race([closed.then(() => 'closed'), systemClock.sleep(300)])).toBeUndefined();
    breakOff(8);
    await closed;
    expect(await isHealthy(scene.client(port, agent))).toBe(true);
  });

  it('gives up a call whose request does not come, also in part', async () => {
    const clock = new ManualClock();
    const port = await scene.open({ calls: { ...DATA_CALLS, agent: { atOnce: 1 } } }, { timers: clock });
    const { socket } = await scene.secure(port, agent);
    const opened = http2.frame(http2.HEADERS, http2.END_HEADERS, 1, http2.callHeaders(check.path));
    socket.write(Buffer.concat([OPENING, opened]));
    await expect.poll(() => clock.waiting).toBe(1);
    expect(await isHealthy(scene.client(port, agent))).toBe(false);
    await clock.advance(120_000);
    await expect.poll(() => isHealthy(scene.client(port, agent))).toBe(true);
    expect(clock.waiting).toBe(0);
  });

  it('waits no longer than it is told for calls that do not end when it closes', async () => {
    const handlers = { hang: () => undefined };
    const port = await scene.open({}, { services: [{ name: 'hanging', definition: HANGS, handlers }] });
    const by = scene.client(port, agent);
    const { path, requestSerialize, responseDeserialize } = HANGS.hang;
    const call = by.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service: '' });
    const over = new Promise((resolve) => call.once('error', resolve));
    await isHealthy(by);
    const started = performance.now();
    await scene.closeServer(300);
    await over;
    expect(performance.now() - started).toBeLessThan(5_000);
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
    const port = await scene.open({});
    const { socket, closed } = await scene.secure(port, agent);
    socket.write(OPENING);
    socket.pause();
    let over = false;
    void closed.then(() => (over = true));
    for (let index = 0; !over && index < 1_000_000; index += 100) {
      socket.write(Buffer.concat(Array.from({ length: 100 }, (_each, more) => next(index + more))));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
    expect(await isHealthy(scene.client(port, other))).toBe(true);
  });
});
