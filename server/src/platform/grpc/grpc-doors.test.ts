import { X509Certificate } from 'node:crypto';
import { connect as connectHttp2, type Settings } from 'node:http2';
import { Writable } from 'node:stream';
import { connect } from 'node:tls';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { ManualClock, systemClock } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import { systemRandom, uuidToBytes } from '@holdfast/core/ids';
import type { FetchChunksResponse, VaultStoreServiceServer } from '@holdfast/proto/v1';
import { EnrollmentServiceClient, PackKind, VaultServiceState, VaultStoreServiceService } from '@holdfast/proto/v1';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fetched } from '../gateway-client.js';
import type { Authority } from '../pki/certificate-authority.js';
import { createAuthority, generateAuthority } from '../pki/certificate-authority.js';
import type { RotatingIdentity } from '../pki/rotating-identity.js';
import { rotateIdentity } from '../pki/rotating-identity.js';
import { callerFromCertificate } from './caller.js';
import { CERTIFICATE_DOOR, DATA_CALLS } from './connection-limits.js';
import { toGrpcStatus } from './errors.js';
import type { GrpcGatewayClient } from './grpc-gateway-client.js';
import { createGrpcGatewayClient } from './grpc-gateway-client.js';
import type { GrpcServer } from './grpc-server.js';
import { createGrpcServer } from './grpc-server.js';
import type { ServingStatus } from './health.js';
import { HealthService, NOT_SERVING, SERVING } from './health.js';
import { unary } from './unary.js';

const ID = '01901234-5678-7abc-8def-0123456789ab';
const ROOMY = 'local:/srv/roomy';
const WINDOW_BYTES = 16 * 1024 * 1024;
const VAULT = { vaultId: ID, storeUrl: 'local:/srv/v' };
const ports = { clock: systemClock, random: systemRandom };
const LIMITS = {
  maxMessageBytes: 1_024,
  maxConcurrentCalls: 8,
  resets: { burst: 100, perSecond: 10 },
  connections: CERTIFICATE_DOOR,
  calls: DATA_CALLS,
};
const lines: string[] = [];
const log = pino(
  { level: 'info' },
  new Writable({
    write(line, _, done) {
      lines.push(String(line));
      done();
    },
  }),
);

let authority: Authority;
let server: GrpcServer;
let address: string;
let serverIdentity: RotatingIdentity;
let controlIdentity: RotatingIdentity;
let gateway: GrpcGatewayClient;
let answers: FetchChunksResponse[] = [];
let failure: Error | undefined;
const seen: string[] = [];

const handlers: VaultStoreServiceServer = {
  putObject: unary(log, async ({ name, content, vault }, call) => {
    const { role, id } = callerFromCertificate(call);
    seen.push(`${role} ${id === ID} ${name} ${content.toString()} ${vault?.storeUrl}`);
    if (failure) throw failure;
    return { created: true };
  }),
  getObject: unary(log, async () => {
    throw new HoldfastError({
      kind: 'NotFound',
      code: 'NO_OBJECT',
      message: 'There is no such object.',
      details: { name: 'x' },
    });
  }),
  fetchChunks: (call) => {
    for (const each of answers) call.write(each);
    if (failure) call.emit('error', toGrpcStatus(failure));
    else call.end();
  },
  fetchFrames: (call) => void call.write(answers[0] ?? { part: undefined }),
  describeVaults: unary(log, async ({ vaults }) => ({
    vaults: vaults.map(({ storeUrl }) =>
      storeUrl === ROOMY
        ? {
            state: VaultServiceState.VAULT_SERVICE_STATE_IN_SERVICE,
            reason: '',
            message: '',
            space: { free: 5n, total: 2n ** 63n },
            lostPacks: 7,
          }
        : {
            state: VaultServiceState.VAULT_SERVICE_STATE_OUT_OF_SERVICE,
            reason: 'INDEX_LOST',
            message: storeUrl,
          },
    ),
  })),
  voidAgent: unary(log, async ({ agentId }) => {
    seen.push(`void ${agentId.equals(uuidToBytes(ID))}`);
    return {};
  }),
  endSessions: unary(log, async ({ job }) => {
    seen.push(`end ${job?.epoch}`);
    return {};
  }),
};

beforeAll(async () => {
  authority = createAuthority(await generateAuthority(systemClock, systemRandom), ports);
  const rotating = { clock: systemClock, timers: systemClock, log };
  serverIdentity = await rotateIdentity(authority, { hosts: ['gateway.test'] }, rotating);
  controlIdentity = await rotateIdentity(authority, { identity: { role: 'control', id: ID } }, rotating);
  server = createGrpcServer({
    identity: serverIdentity,
    clientCertificates: true,
    clock: systemClock,
    timers: systemClock,
    log,
    limits: { ...LIMITS, maxMessageBytes: 64 * 1024, windowBytes: WINDOW_BYTES },
    services: [{ name: 'holdfast.v1.VaultStoreService', definition: VaultStoreServiceService, handlers }],
  });
  address = await server.listen('127.0.0.1', 0);
  gateway = createGrpcGatewayClient({ address, serverName: 'gateway.test' }, controlIdentity, systemClock);
});
afterAll(async () => {
  gateway.close();
  await server.close(500);
  serverIdentity.stop();
  controlIdentity.stop();
});

const head = (fill: number) => ({
  part: {
    $case: 'head' as const,
    value: {
      packId: uuidToBytes(ID),
      kind: PackKind.PACK_KIND_NODE,
      domainId: uuidToBytes(ID),
      sessionKey: Buffer.from('k'),
      frame: Buffer.alloc(1, fill),
    },
  },
});
const piece = (text: string) => ({ part: { $case: 'piece' as const, value: Buffer.from(text) } });
const damaged = { part: { $case: 'damaged' as const, value: { chunkIds: Buffer.alloc(64, 5), reason: 'gone' } } };
const collect = async (frames: AsyncIterable<Fetched>): Promise<Fetched[]> => Array.fromAsync(frames);

it('says of vaults that are not served why', async () => {
  const vaults = ['local:/srv/one', 'local:/srv/two'].map((storeUrl) => ({ vaultId: ID, storeUrl }));
  expect(await gateway.describeVaults(vaults)).toEqual(
    vaults.map(({ storeUrl }) => ({ state: 'OUT_OF_SERVICE', reason: 'INDEX_LOST', message: storeUrl })),
  );
});

it('says how much space the store of a vault has, and how many packs are lost', async () => {
  expect(await gateway.describeVaults([{ vaultId: ID, storeUrl: ROOMY }])).toEqual([
    { state: 'IN_SERVICE', space: { free: 5n, total: 2n ** 63n }, lostPacks: 7 },
  ]);
});

describe('the gateway client', () => {
  it('calls under the certificate of control and checks the name of the server', async () => {
    expect(await gateway.putObject(VAULT, 'descriptor', Buffer.from('content'))).toBe(true);
    await gateway.voidAgent(ID);
    await gateway.endSessions({ jobId: ID, epoch: 7 });
    expect(seen).toEqual(['control true descriptor content local:/srv/v', 'void true', 'end 7']);
    const misled = createGrpcGatewayClient({ address, serverName: 'other.test' }, controlIdentity, systemClock);
    await expect(misled.voidAgent(ID)).rejects.toMatchObject({ kind: 'Unavailable' });
    misled.close();
  });

  it('puts frames together from their pieces', async () => {
    answers = [head(1), piece('ab'), piece('cd'), damaged, head(2), piece('e')];
    const got = await collect(gateway.fetchChunks(VAULT, [Buffer.alloc(32)]));
    expect(
      got.map((each) =>
        each.kind === 'frame'
          ? [each.frame.packKind, each.frame.frame[0], each.frame.bytes.toString()]
          : [each.chunkIds.length, each.reason],
      ),
    ).toEqual([
      ['NODE', 1, 'abcd'],
      [2, 'gone'],
      ['NODE', 2, 'e'],
    ]);
  });

  it('refuses an answer that makes no sense', async () => {
    for (const nonsense of [
      [piece('x')],
      [{ part: undefined }],
      [{ part: { $case: 'damaged' as const, value: { chunkIds: Buffer.alloc(5), reason: '' } } }],
    ]) {
      answers = nonsense;
      await expect(collect(gateway.fetchChunks(VAULT, []))).rejects.toMatchObject({
        kind: 'Integrity',
        code: 'GATEWAY_ANSWER',
      });
    }
  });

  it('passes on what the gateway meant by an error, also in the middle of a stream', async () => {
    await expect(gateway.getObject(VAULT, 'x')).rejects.toMatchObject({
      kind: 'NotFound',
      code: 'NO_OBJECT',
      details: { name: 'x' },
    });
    answers = [head(1), piece('ab'), head(2)];
    failure = new HoldfastError({ kind: 'Integrity', code: 'STORE', message: 'The store is broken.' });
    const got: Fetched[] = [];
    await expect(
      (async () => {
        for await (const each of gateway.fetchChunks(VAULT, [])) got.push(each);
      })(),
    ).rejects.toMatchObject({ kind: 'Integrity', code: 'STORE' });
    failure = new Error('path /secret');
    const masked = await gateway.putObject(VAULT, 'y', Buffer.alloc(0)).catch((error: Error) => error);
    expect(masked).toMatchObject({ kind: 'Internal' });
    expect(String(masked)).not.toContain('secret');
    failure = undefined;
  });

  it('stops when it is told to', async () => {
    answers = [head(1)];
    const controller = new AbortController();
    const reading = collect(gateway.fetchFrames(VAULT, ID, [16], controller.signal));
    setTimeout(() => controller.abort(), 50);
    await expect(reading).rejects.toMatchObject({ kind: 'Cancelled' });
    await expect(gateway.putObject(VAULT, 'z', Buffer.alloc(0), AbortSignal.abort())).rejects.toMatchObject({
      kind: 'Cancelled',
    });
  });

  it('says that nobody answers', async () => {
    const alone = createGrpcGatewayClient({ address: '127.0.0.1:9' }, controlIdentity, systemClock);
    await expect(alone.voidAgent(ID)).rejects.toMatchObject({ kind: 'Unavailable' });
    alone.close();
  });
});

describe('a gRPC door', () => {
  const asControl = () => {
    const { key, certificateChain } = controlIdentity.current();
    return credentials.createSsl(Buffer.from(authority.certificate), Buffer.from(key), Buffer.from(certificateChain));
  };
  const options = { 'grpc.ssl_target_name_override': 'gateway.test' };
  const { check, watch } = HealthService;

  it('answers health checks as grpc.health.v1 has them', async () => {
    const client = new Client(address, asControl(), options);
    const ask = (service: string) =>
      new Promise((resolve) =>
        client.makeUnaryRequest(
          check.path,
          check.requestSerialize,
          check.responseDeserialize,
          { service },
          (error, state) => resolve(error ? error.code : state?.status),
        ),
      );
    expect([await ask(''), await ask('holdfast.v1.VaultStoreService'), await ask('other')]).toEqual([
      SERVING,
      SERVING,
      5,
    ]);
    client.close();
  });

  it('tells a watcher when it drains, and lets calls under way end', async () => {
    const draining = createGrpcServer({
      identity: serverIdentity,
      clientCertificates: true,
      clock: systemClock,
      timers: systemClock,
      log,
      limits: LIMITS,
      services: [],
    });
    const client = new Client(await draining.listen('127.0.0.1', 0), asControl(), options);
    const states: ServingStatus[] = [];
    const watching = client.makeServerStreamRequest(watch.path, watch.requestSerialize, watch.responseDeserialize, {
      service: '',
    });
    const first = new Promise((resolve) => watching.once('data', resolve));
    watching.on('data', ({ status }: { status: ServingStatus }) => states.push(status));
    const over = new Promise((resolve) => watching.on('end', resolve));
    await first;
    await draining.close(2_000);
    await over;
    expect(states).toEqual([SERVING, NOT_SERVING]);
    client.close();
  });

  it('takes no message beyond its limit', async () => {
    await expect(gateway.putObject(VAULT, 'large', Buffer.alloc(65 * 1024))).rejects.toMatchObject({
      kind: 'RateLimited',
    });
  });

  it('shows no certificate, no entry', async () => {
    const bare = new EnrollmentServiceClient(
      address,
      credentials.createSsl(Buffer.from(authority.certificate)),
      options,
    );
    const refused = await new Promise<{ code?: number } | null>((resolve) =>
      bare.enroll({ token: '', certificateRequest: Buffer.alloc(0) }, new Metadata(), resolve),
    );
    expect(refused?.code).toBe(14);
    bare.close();
  });

  it('serves a renewed certificate to new connections', async () => {
    const soon = new ManualClock();
    const rotating = await rotateIdentity(
      authority,
      { hosts: ['gateway.test'] },
      { clock: systemClock, timers: soon, log },
    );
    const first = rotating.current();
    const renewing = createGrpcServer({
      identity: rotating,
      clientCertificates: true,
      clock: systemClock,
      timers: systemClock,
      log,
      limits: LIMITS,
      services: [],
    });
    const port = Number((await renewing.listen('127.0.0.1', 0)).split(':')[1]);
    const served = async (): Promise<string> => {
      const { key, certificateChain } = controlIdentity.current();
      const socket = connect({
        port,
        host: '127.0.0.1',
        servername: 'gateway.test',
        ca: authority.certificate,
        key,
        cert: certificateChain,
        ALPNProtocols: ['h2'],
      });
      await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
      const { raw } = socket.getPeerCertificate();
      socket.destroy();
      return new X509Certificate(raw).serialNumber;
    };
    expect(await served()).toBe(new X509Certificate(first.certificateChain).serialNumber);
    await soon.advance(61 * 86_400_000);
    await expect.poll(() => rotating.current() !== first).toBe(true);
    rotating.stop();
    const renewed = new X509Certificate(rotating.current().certificateChain).serialNumber;
    await expect.poll(served).toBe(renewed);
    await renewing.close(500);
  });

  it('logs who called what and how it ended, and nothing of the message', () => {
    const calls = lines
      .map((line) => JSON.parse(line) as { msg: string; caller?: string; method?: string; status?: string })
      .filter(({ msg }) => msg === 'grpc.call');
    expect(calls).toContainEqual(
      expect.objectContaining({
        caller: `control:${ID}`,
        method: '/holdfast.v1.VaultStoreService/GetObject',
        status: 'NOT_FOUND',
      }),
    );
    expect(lines.join('')).not.toContain('content"');
    expect(lines.join('')).not.toContain('descriptor');
  });

  it('logs some of very many calls that end alike, and how many it left out', async () => {
    const logged = () =>
      lines
        .map((line) => JSON.parse(line) as { msg: string; method?: string; unlogged?: number })
        .filter(({ msg, method }) => msg === 'grpc.call' && method?.endsWith('/VoidAgent') === true);
    const before = logged().length;
    for (let times = 0; times < 200; times += 1) await gateway.voidAgent(ID);
    expect(logged().length - before).toBeLessThan(40);
    await systemClock.sleep(1_100);
    await gateway.voidAgent(ID);
    const told = logged().slice(before);
    const unlogged = told.reduce((sum, line) => sum + (line.unlogged ?? 0), 0);
    expect(unlogged + told.length).toBe(201);
    // What another call ends like has lines of its own.
    await gateway.endSessions({ jobId: ID, epoch: 8 });
    expect(lines.at(-1)).toContain('/EndSessions');
  });
});

describe('the flow-control window of a listener', () => {
  it('is as large as asked for, for each call and for the whole connection', async () => {
    const { key, certificateChain } = controlIdentity.current();
    const session = connectHttp2(`https://${address}`, {
      ca: authority.certificate,
      key,
      cert: certificateChain,
      servername: 'gateway.test',
    });
    try {
      const perCall = new Promise<number | undefined>((resolve, reject) => {
        session.on('error', reject);
        session.on('remoteSettings', ({ initialWindowSize }: Settings) => resolve(initialWindowSize));
      });
      expect(await perCall).toBe(WINDOW_BYTES);
      await expect.poll(() => session.state.remoteWindowSize).toBe(WINDOW_BYTES);
    } finally {
      session.destroy();
    }
  });
});
