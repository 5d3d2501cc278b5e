import type { ServerReadableStream } from '@grpc/grpc-js';
import { ManualClock, systemClock } from '@holdfast/core/clock';
import { collectAll } from '@holdfast/core/memory';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as http2 from '../../../../test/kit/http2-frames.js';
import { OwnRecords } from '../key-updates.fixture.js';
import { ENROLLMENT_CALLS, ENROLLMENT_DOOR } from './connection-limits.js';
import { DoorScene, isHealthy, TAKES } from './door-scene.fixture.js';
import { HealthService } from './health.js';

const MIB = 1024 * 1024;
const { check } = HealthService;

let scene: DoorScene;
beforeAll(async () => {
  scene = await DoorScene.create();
});
afterEach(() => scene.clear());
afterAll(() => scene.identity.stop());

const data = (bytes: Buffer): Buffer => http2.frame(http2.DATA, 0, 1, bytes);
const many = (count: number, frame: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => frame));
const windowUpdate = http2.frame(http2.WINDOW_UPDATE, 0, 0, Buffer.of(0, 0, 0, 1));

describe('what comes on a connection', () => {
  it.each([
    ['frames of a byte', many(1_000, data(Buffer.alloc(1)))],
    ['window updates', many(1_000, windowUpdate)],
  ])('ends it when it is %s and little else; whose it was is not let in for a minute', async (_, flood) => {
    const clock = new ManualClock();
    const port = await scene.open({ maxMessageBytes: MIB, windowBytes: 16 * MIB }, { clock });
    const { socket, closed } = await scene.secure(port, scene.agent);
    socket.write(http2.callTo(check.path));
    socket.write(data(Buffer.of(0, 0, 0x10, 0, 0)));
    let isOver = false;
    void closed.then(() => (isOver = true));
    while (!isOver) await new Promise<void>((resolve) => socket.write(flood, () => setImmediate(resolve)));
    expect(await isHealthy(scene.client(port, scene.agent))).toBe(false);
    expect(await isHealthy(scene.client(port, scene.other))).toBe(true);
    await clock.advance(60_000);
    expect(await isHealthy(scene.client(port, scene.agent))).toBe(true);
  });

  it.each([
    [20, 'lets in whoever made', true],
    [100, 'ends the connection of whoever made', false],
  ])('%i calls of methods that there are not at once: %s them', async (count, _, isLetIn) => {
    const port = await scene.open({ maxConcurrentCalls: 200 });
    const { socket } = await scene.secure(port, scene.agent);
    const calls = Array.from({ length: count }, (_, at) => {
      const headers = http2.callHeaders('/no/such');
      return http2.frame(http2.HEADERS, http2.END_HEADERS | http2.END_STREAM, 3 + at * 2, headers);
    });
    socket.write(Buffer.concat([http2.callTo(check.path), ...calls]));
    await systemClock.sleep(600);
    expect(socket.destroyed).toBe(!isLetIn);
    expect(await isHealthy(scene.client(port, scene.agent))).toBe(isLetIn);
  });

  it('counts all connections of one peer together, and ends those that sent more than their share', async () => {
    const port = await scene.open({});
    const [quiet, ...loud] = await Promise.all(Array.from({ length: 5 }, () => scene.secure(port, scene.agent)));
    // 600 KiB each: no more than one connection may send.
    const flood = many(47_000, windowUpdate);
    for (const { socket } of loud) socket.write(Buffer.concat([http2.callTo(check.path), flood]));
    await Promise.all(loud.map(({ closed }) => closed));
    expect(quiet?.socket.destroyed).toBe(false);
    expect(await isHealthy(scene.client(port, scene.other))).toBe(true);
  });

  it('lets one connection send what all of one peer may', async () => {
    const port = await scene.open({});
    const { socket } = await scene.secure(port, scene.agent);
    socket.write(Buffer.concat([http2.callTo(check.path), many(47_000, windowUpdate)]));
    await systemClock.sleep(600);
    expect(socket.destroyed).toBe(false);
  });

  it('counts what TLS adds to a message in records of a byte', async () => {
    const port = await scene.open({ maxMessageBytes: MIB, windowBytes: 16 * MIB });
    const { key, certificateChain: cert } = scene.agent;
    const tls = { servername: 'gateway.test', ca: scene.authority.certificate, key, cert, ALPNProtocols: ['h2'] };
    const by = await OwnRecords.connect(port, tls);
    const closed = new Promise<void>((resolve) => by.tcp.once('close', () => resolve()));
    const message = many(7, data(Buffer.alloc(16_384)));
    const begun = Buffer.concat([http2.callTo(check.path), data(Buffer.of(0, 0, 0x10, 0, 0))]);
    const records = Array.from(message, (_, at) => by.data(at === 0 ? begun : message.subarray(at - 1, at)));
    by.tcp.write(Buffer.concat(records));
    await closed;
    expect(await isHealthy(scene.client(port, scene.agent))).toBe(false);
  });

  it('ends no more than the connection when it breaks the protocol among calls of methods that there are not', async () => {
    const port = await scene.open({});
    const block = (first: number): Buffer =>
      Buffer.concat(
        Array.from({ length: 60 }, (_, at) => {
          const id = first + at * 2;
          const headers = http2.callHeaders(`/no/${'such'.repeat(800)}`);
          const opened = http2.frame(http2.HEADERS, http2.END_HEADERS, id, headers);
          return Buffer.concat([opened, http2.frame(http2.DATA, http2.END_STREAM, id, Buffer.alloc(5))]);
        }),
      );
    for (let turn = 0; turn < 10; turn += 1) {
      const { socket, closed } = await scene.secure(port, scene.agent);
      let isOver = false;
      void closed.then(() => (isOver = true));
      socket.write(http2.callTo(check.path));
      for (let id = 3; !isOver; id += 120)
        await new Promise<void>((resolve) => socket.write(block(id), () => setImmediate(resolve)));
    }
    expect(await isHealthy(scene.client(port, scene.other))).toBe(true);
  });

  it('bars the address where nobody has a certificate, and shorter', async () => {
    const clock = new ManualClock();
    const limits = { connections: ENROLLMENT_DOOR, calls: ENROLLMENT_CALLS };
    const port = await scene.open(limits, { clientCertificates: false, clock });
    const { socket, closed } = await scene.secure(port);
    socket.write(http2.callTo(check.path));
    let isOver = false;
    void closed.then(() => (isOver = true));
    const flood = many(1_000, windowUpdate);
    while (!isOver) await new Promise<void>((resolve) => socket.write(flood, () => setImmediate(resolve)));
    expect(await isHealthy(scene.client(port))).toBe(false);
    await clock.advance(10_000);
    expect(await isHealthy(scene.client(port))).toBe(true);
  });

  it('ends it when thousands of short frames wait that nobody reads', async () => {
    const services = [{ name: 'taking', definition: TAKES, handlers: { take: () => undefined } }];
    const port = await scene.open({ windowBytes: 16 * MIB }, { services });
    const { socket, closed } = await scene.secure(port, scene.agent);
    socket.write(http2.callTo(TAKES.take.path));
    // Enough messages that nobody takes more: what comes then waits. Fewer at a time than what floods.
    for (let messages = 0; messages < 100; messages += 1) socket.write(data(Buffer.alloc(5)));
    let isOver = false;
    void closed.then(() => (isOver = true));
    for (let sent = 0; sent < 6_000 && !isOver; sent += 1_000) {
      socket.write(many(1_000, data(Buffer.alloc(1))));
      await systemClock.sleep(300);
    }
    expect(isOver).toBe(true);
  });

  it('takes little more memory than a message is long, however short its frames', async () => {
    const port = await scene.open({ maxMessageBytes: MIB });
    // Of as many agents: what comes of one is bounded before.
    const sockets = await Promise.all(
      Array.from({ length: 12 }, async (_, at) => {
        const id = `01901234-5678-7abc-8def-0123456789${(at + 16).toString(16)}`;
        return scene.secure(port, await scene.authority.issue({ identity: { role: 'agent', id } }));
      }),
    );
    for (const { socket } of sockets) socket.write(http2.callTo(check.path));
    for (const { socket } of sockets) socket.write(data(Buffer.of(0, 0, 0x10, 0, 0)));
    collectAll();
    const before = process.memoryUsage().heapUsed;
    for (let turn = 0; turn < 3; turn += 1) {
      for (const { socket } of sockets) socket.write(many(3_000, data(Buffer.alloc(1))));
      await systemClock.sleep(300);
    }
    await Promise.all(
      sockets.map(async ({ socket }) => {
        socket.write(http2.frame(http2.PING, 0, 0, Buffer.from('received')));
        await new Promise<void>((resolve) =>
          socket.on('data', (bytes: Buffer) => {
            if (bytes.includes('received')) resolve();
          }),
        );
      }),
    );
    collectAll();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(4 * MIB);
  });

  it('may be as much as it likes when it is messages, also small ones', async () => {
    let came = 0;
    const take = (call: ServerReadableStream<Buffer, unknown>): void => {
      call.on('data', (message: Buffer) => (came += message.length));
      call.on('end', () => (came = -came));
    };
    const services = [{ name: 'taking', definition: TAKES, handlers: { take } }];
    const port = await scene.open({ maxMessageBytes: MIB, windowBytes: 16 * MIB }, { services });
    const { path, requestSerialize, responseDeserialize } = TAKES.take;
    const call = scene
      .client(port, scene.agent)
      .makeClientStreamRequest(path, requestSerialize, responseDeserialize, () => undefined);
    const sizes = [256 * 1024, 4_096, 300];
    const all = sizes.flatMap((size) => Array.from({ length: 150 }, () => Buffer.alloc(size)));
    for (const message of all) await new Promise<void>((resolve) => call.write(message, () => resolve()));
    call.end();
    await expect.poll(() => came, { timeout: 10_000 }).toBe(-all.reduce((sum, { length }) => sum + length, 0));
    call.cancel();
  });
});
