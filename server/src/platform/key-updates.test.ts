import { once } from 'node:events';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { ManualClock, systemClock } from '@holdfast/core/clock';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { DoorScene, isHealthy } from './grpc/door-scene.fixture.js';
import { createHttpGate, limitConnections } from './http/listen.js';
import { OwnRecords } from './key-updates.fixture.js';

let scene: DoorScene;
beforeAll(async () => {
  scene = await DoorScene.create();
});
afterEach(() => scene.clear());
afterAll(() => scene.identity.stop());

const updates = (by: OwnRecords, count: number): Buffer =>
  Buffer.concat(Array.from({ length: count }, () => by.keyUpdate()));

it('ends a gRPC connection whose keys are renewed again and again; whose it was is not let in for a minute', async () => {
  const clock = new ManualClock();
  const port = await scene.open({}, { clock });
  const { certificate: ca } = scene.authority;
  const { key, certificateChain: cert } = scene.agent;
  const by = await OwnRecords.connect(port, { servername: 'gateway.test', ca, key, cert, ALPNProtocols: ['h2'] });
  const closed = once(by.tcp, 'close');
  by.tcp.write(updates(by, 200));
  await closed;
  expect(await isHealthy(scene.client(port, scene.agent))).toBe(false);
  expect(await isHealthy(scene.client(port, scene.other))).toBe(true);
  await clock.advance(60_000);
  expect(await isHealthy(scene.client(port, scene.agent))).toBe(true);
});

it('takes the key updates that a connection needs', async () => {
  const port = await scene.open({});
  const { certificate: ca } = scene.authority;
  const { key, certificateChain: cert } = scene.agent;
  const by = await OwnRecords.connect(port, { servername: 'gateway.test', ca, key, cert, ALPNProtocols: ['h2'] });
  by.tcp.write(updates(by, 90));
  await systemClock.sleep(200);
  expect(by.tcp.closed).toBe(false);
  by.tcp.destroy();
});

it('ends an HTTPS connection whose keys are renewed again and again, and bars the address for ten seconds', async () => {
  const clock = new ManualClock();
  const { certificateChain: cert, key } = scene.identity.current();
  const server: Server = createServer({ cert, key }, (_, answer) => answer.end());
  limitConnections(server, createHttpGate(clock, false));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const ca = scene.authority.certificate;
  const isAnswered = async (): Promise<boolean> =>
    new Promise((resolve) =>
      request({ port, host: '127.0.0.1', servername: 'gateway.test', ca, agent: false }, (answer) => {
        answer.resume();
        resolve(true);
      })
        .on('error', () => resolve(false))
        .end(),
    );
  try {
    const by = await OwnRecords.connect(port, { servername: 'gateway.test', ca });
    const closed = once(by.tcp, 'close');
    by.tcp.write(updates(by, 200));
    await closed;
    expect(await isAnswered()).toBe(false);
    await clock.advance(10_000);
    expect(await isAnswered()).toBe(true);
  } finally {
    server.close();
  }
});
