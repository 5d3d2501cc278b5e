import 'reflect-metadata';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CallOptions, type ClientUnaryCall, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { systemClock } from '@holdfast/core/clock';
import { domainName, openLocalStore } from '@holdfast/core/engine';
import { asHoldfastError } from '@holdfast/core/errors';
import { systemRandom, uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import {
  BackupType,
  CoordinationServiceService,
  DataServiceClient,
  PackKind,
  type ReadChunksResponse,
  type UploadPackRequest,
} from '@holdfast/proto/v1';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CERTIFICATE_DOOR, CONTROL_CALLS } from '../platform/grpc/connection-limits.js';
import { fromGrpcError } from '../platform/grpc/errors.js';
import { createGrpcGatewayClient } from '../platform/grpc/grpc-gateway-client.js';
import { createGrpcServer } from '../platform/grpc/grpc-server.js';
import { type Authority, createAuthority, generateAuthority } from '../platform/pki/certificate-authority.js';
import { rotateIdentity } from '../platform/pki/rotating-identity.js';
import type { GatewayCredentials } from '../platform/process-channel.js';
import { formatAddress, type RunningGateway } from '../platform/process-roles.js';
import { startGateway } from './composition-root.js';
import { TestControl } from './testing/control.fixture.js';
import { coordinationServer } from './testing/grpc/control-server.fixture.js';
import { type TestChunk, type TestPack, testDomain, Uploader } from './testing/uploader.fixture.js';

const log = pino({ level: 'silent' });
const ports = { clock: systemClock, timers: systemClock, random: systemRandom, log };
// Real connections and megabytes of packs: a busy machine may take its time.
vi.setConfig({ testTimeout: 30_000 });

const MIB = 1024 * 1024;
const gatewayId = uuidFromBytes(systemRandom.bytes(16));
const controlId = uuidFromBytes(systemRandom.bytes(16));
const folder = mkdtempSync(join(tmpdir(), 'holdfast-gateway-'));
const vault = { vaultId: uuidFromBytes(systemRandom.bytes(16)), storeUrl: `local:${join(folder, 'stores', 'vault')}` };
const cleanUp: (() => unknown)[] = [];

let authority: Authority;
let control: TestControl;
let alice: Uploader;
let gateway: RunningGateway;
let asControl: ReturnType<typeof createGrpcGatewayClient>;

beforeAll(async () => {
  mkdirSync(join(folder, 'stores'));
  authority = createAuthority(await generateAuthority(systemClock, systemRandom), ports);
  const domain = await testDomain(vault.vaultId, systemRandom);
  const store = await openLocalStore({
    root: join(folder, 'stores', 'vault'),
    owner: 'test',
    random: systemRandom,
    create: true,
  });
  rmSync(join(folder, 'stores', 'vault'), { recursive: true });
  control = new TestControl(vault, domain, store, systemRandom);
  alice = await Uploader.create(domain, systemRandom);

  const identity = await rotateIdentity(
    authority,
    { hosts: ['localhost', '127.0.0.1'], identity: { role: 'control', id: controlId } },
    ports,
  );
  const definition = {
    definition: CoordinationServiceService,
    handlers: coordinationServer(control, log),
    name: 'holdfast.v1.CoordinationService',
  };
  const limits = {
    maxMessageBytes: 16 * MIB,
    maxConcurrentCalls: 100,
    resets: { burst: 100, perSecond: 10 },
    connections: CERTIFICATE_DOOR,
    calls: CONTROL_CALLS,
  };
  const server = createGrpcServer({
    identity,
    clientCertificates: true,
    services: [definition],
    limits,
    clock: systemClock,
    timers: systemClock,
    log,
  });
  const coordinationAddress = await server.listen('127.0.0.1', 0);
  const issued = await authority.issue({
    hosts: ['localhost', '127.0.0.1'],
    identity: { role: 'gateway', id: gatewayId },
  });
  const received: GatewayCredentials = {
    type: 'gateway-credentials',
    gatewayId,
    certificateChain: issued.certificateChain,
    key: issued.key,
    ca: authority.certificate,
    coordinationAddress,
    coordinationServerName: 'localhost',
  };
  gateway = await startGateway(
    {
      dataDirectory: join(folder, 'gateway'),
      listen: { host: '127.0.0.1', port: 0 },
      storeRoots: [join(folder, 'stores')],
      credentials: received,
      onCredentials: () => undefined,
    },
    ports,
  );
  asControl = createGrpcGatewayClient(
    { address: formatAddress(gateway.address), serverName: 'localhost' },
    identity,
    systemClock,
  );
  cleanUp.push(
    () => asControl.close(),
    () => gateway.stop(),
    () => server.close(1_000),
    () => identity.stop(),
    () => rmSync(folder, { recursive: true }),
  );
});

afterAll(async () => {
  for (const each of cleanUp) await each();
});

async function clientOf(
  role: 'agent' | 'control' | 'gateway',
  id: string,
  from = authority,
): Promise<DataServiceClient> {
  const { certificateChain, key } = await from.issue({ identity: { role, id } });
  const secure = credentials.createSsl(
    Buffer.from(authority.certificate),
    Buffer.from(key),
    Buffer.from(certificateChain),
  );
  const client = new DataServiceClient(formatAddress(gateway.address), secure, {
    'grpc.ssl_target_name_override': 'localhost',
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_send_message_length': 32 * MIB,
  });
  cleanUp.unshift(() => client.close());
  return client;
}

type Method<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  done: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

function call<Request, Response>(
  client: DataServiceClient,
  method: Method<Request, Response>,
  request: Request,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    method.call(client, request, new Metadata(), { deadline: systemClock.now() + 20_000 }, (error, response) =>
      error ? reject(fromGrpcError(error)) : resolve(response),
    );
  });
}

function upload(client: DataServiceClient, sessionId: Buffer, pack: TestPack, pieceBytes = MIB): Promise<bigint> {
  return new Promise((resolve, reject) => {
    const stream = client.uploadPack((error, response) =>
      error ? reject(fromGrpcError(error)) : resolve(response.storedBytes),
    );
    const write = (part: NonNullable<UploadPackRequest['part']>): void => void stream.write({ part });
    write({ $case: 'header', value: { sessionId, packId: uuidToBytes(pack.packId), kind: pack.kind } });
    const writePieces = ($case: 'frame' | 'footer', bytes: Buffer): void => {
      for (let at = 0; at < Math.max(1, bytes.length); at += pieceBytes)
        write({ $case, value: { data: bytes.subarray(at, at + pieceBytes), last: at + pieceBytes >= bytes.length } });
    };
    for (const frame of pack.frames) writePieces('frame', frame);
    writePieces('footer', pack.tail.footerBytes);
    stream.end();
  });
}

async function readAll(client: DataServiceClient, sessionId: Buffer, ids: Buffer[]): Promise<string[]> {
  const contents: string[] = [];
  let head: { kind: PackKind; frame: Buffer; sealedFrameKey: Buffer } | undefined;
  let pieces: Buffer[] = [];
  const take = (): void => {
    if (head)
      contents.push(
        ...control
          .openServed(head.kind as number, head.frame, head.sealedFrameKey, Buffer.concat(pieces))
          .map((each) => each.toString('latin1')),
      );
    pieces = [];
  };
  for await (const { part } of client.readChunks({
    sessionId,
    chunkIds: Buffer.concat(ids),
    avoidPacks: [],
    pieceBytes: 0,
  }) as AsyncIterable<ReadChunksResponse>) {
    if (part?.$case === 'piece') pieces.push(part.value);
    else {
      take();
      head = part?.$case === 'head' ? part.value : undefined;
    }
  }
  take();
  return contents;
}

const open = (client: DataServiceClient, job: { jobId: string; epoch: number }) =>
  call(client, client.openSession, { job: { jobId: uuidToBytes(job.jobId), epoch: BigInt(job.epoch) } });

describe('a gateway over mutual TLS', () => {
  it("makes a vault's folder with its first descriptor only, and keeps what control stored", async () => {
    const name = domainName(systemRandom.bytes(16));
    await expect(asControl.putObject(vault, name, Buffer.from('too early'))).rejects.toMatchObject({
      kind: 'Unavailable',
      code: 'STORE_MISSING',
    });
    expect(await asControl.putObject(vault, 'descriptor/0000000000000001', Buffer.from('first'))).toBe(true);
    expect(await asControl.putObject(vault, 'descriptor/0000000000000001', Buffer.from('second'))).toBe(false);
    expect((await asControl.getObject(vault, 'descriptor/0000000000000001')).toString()).toBe('first');
    await expect(asControl.getObject(vault, name)).rejects.toMatchObject({ kind: 'NotFound' });
  });

  it('serves control nothing but its own kinds of objects, in no store outside the given folders', async () => {
    for (const name of [`pack/${'0'.repeat(32)}`, 'index/0000000000000001', '../../etc/passwd', 'descriptor/1', '']) {
      await expect(asControl.putObject(vault, name, Buffer.alloc(1))).rejects.toMatchObject({ kind: 'Forbidden' });
    }
    for (const storeUrl of [
      `local:${folder}/elsewhere`,
      `local:${folder}/stores/../elsewhere`,
      'local:relative',
      's3://bucket',
      `local:${folder}/stores-of-another`,
    ]) {
      const other = { vaultId: uuidFromBytes(systemRandom.bytes(16)), storeUrl };
      await expect(asControl.putObject(other, 'descriptor/0000000000000001', Buffer.alloc(1))).rejects.toMatchObject({
        kind: 'Validation',
        code: 'STORE_URL',
      });
    }
  });

  it('takes a backup of an agent and gives it back in a restore, byte for byte', async () => {
    const client = await clientOf('agent', alice.agentId);
    const { sessionId, maxParallelUploads } = await open(client, control.addJob(alice.agentId, 'backup'));
    expect(maxParallelUploads).toBeGreaterThan(0);
    const big = alice.data(systemRandom.bytes(3 * MIB + 17));
    const small = alice.data('small');
    const root = alice.node('root', [big, small]);
    const before = await call(client, client.hasChunks, { sessionId, claims: Buffer.concat([big.claim, small.claim]) });
    expect(before.present).toEqual(Buffer.of(0));
    const packs = [alice.pack([[big], [small]]), alice.pack([[root]])];
    await Promise.all(packs.map((pack) => upload(client, sessionId, pack)));
    const after = await call(client, client.hasChunks, { sessionId, claims: Buffer.concat([big.claim, small.claim]) });
    expect(after.present).toEqual(Buffer.of(3));
    const commit = { sessionId, rootNode: root.id, type: BackupType.BACKUP_TYPE_FULL, basePointId: Buffer.alloc(0) };
    const { pointId, missing } = await call(client, client.commit, commit);
    expect([pointId.length, missing.length]).toEqual([16, 0]);
    expect(control.points.get(uuidFromBytes(pointId))?.recorded).toBe(true);
    await call(client, client.closeSession, { sessionId });
    await expect(call(client, client.commit, commit)).rejects.toMatchObject({ code: 'SESSION_CLOSED' });

    const restore = await open(client, control.addJob(alice.agentId, 'restore', root.id));
    expect(await readAll(client, restore.sessionId, [root.id])).toEqual(['root']);
    const contents = await readAll(client, restore.sessionId, [small.id, big.id]);
    expect(contents.map((each) => each.length)).toEqual([big.content.length, 5]);
    expect(contents[0] === big.content.toString('latin1')).toBe(true);

    const fetched: Buffer[] = [];
    const [ofBig, ofSmall] = (packs[0] as TestPack).frames as [Buffer, Buffer];
    for (const offsets of [[16 + ofBig.length, 16], [16 + ofBig.length]])
      for await (const part of asControl.fetchFrames(vault, (packs[0] as TestPack).packId, offsets))
        if (part.kind === 'frame') fetched.push(Buffer.from(part.frame.bytes));
    expect(fetched.map((bytes, place) => bytes.equals(place === 0 ? ofBig : ofSmall))).toEqual([true, true, true]);
    const chunks = [];
    for await (const part of asControl.fetchChunks(vault, [root.id, Buffer.alloc(32)])) chunks.push(part.kind);
    expect(chunks.toSorted()).toEqual(['damaged', 'frame']);
    const kindsOf = async (from: { domainId?: string; avoidPacks?: string[] }) =>
      (await Array.fromAsync(asControl.fetchChunks(vault, [root.id], from))).map(({ kind }) => kind);
    const avoidPacks = [(packs[1] as TestPack).packId];
    expect(await kindsOf({ avoidPacks })).toEqual(['damaged']);
    expect(await kindsOf({ domainId: alice.domain.id })).toEqual(['frame']);
    expect(await kindsOf({ domainId: uuidFromBytes(systemRandom.bytes(16)) })).toEqual(['damaged']);
  });

  it('leaves the cut of a frame at control alone once its agent no longer waits for it', async () => {
    const bob = await Uploader.create(alice.domain, systemRandom);
    const known = bob.data('known to both');
    const asBob = await clientOf('agent', bob.agentId);
    const theirs = await open(asBob, control.addJob(bob.agentId, 'backup'));
    await upload(asBob, theirs.sessionId, bob.pack([[known, bob.data('a secret of bob')]]));
    const client = await clientOf('agent', alice.agentId);
    const { sessionId } = await open(client, control.addJob(alice.agentId, 'backup'));
    expect((await call(client, client.hasChunks, { sessionId, claims: known.claim })).present).toEqual(Buffer.of(1));
    const root = alice.node('refers to it', [known]);
    await upload(client, sessionId, alice.pack([[root]]));
    const commit = { sessionId, rootNode: root.id, type: BackupType.BACKUP_TYPE_FULL, basePointId: Buffer.alloc(0) };
    await call(client, client.commit, commit);
    const restore = await open(client, control.addJob(alice.agentId, 'restore', root.id));
    await readAll(client, restore.sessionId, [root.id]);

    const waits: AbortSignal[] = [];
    const cutting = vi.spyOn(control, 'cutFrame').mockImplementation(
      (_job, _frame, over) =>
        new Promise((_, reject) => {
          over.addEventListener('abort', () => reject(asHoldfastError(over.reason)));
          waits.push(over);
        }),
    );
    const question = { sessionId: restore.sessionId, chunkIds: known.id, avoidPacks: [], pieceBytes: 0 };
    const reading = client.readChunks(question);
    reading.on('error', () => undefined);
    await expect.poll(() => waits.length, { timeout: 5_000 }).toBe(1);
    reading.cancel();
    await expect.poll(() => waits[0]?.aborted, { timeout: 5_000 }).toBe(true);
    cutting.mockRestore();
    expect(await readAll(client, restore.sessionId, [known.id])).toEqual(['known to both']);
  });

  it('keeps no question whose caller has gone: not its place in the session, nor its turn at control', async () => {
    const bob = await Uploader.create(alice.domain, systemRandom);
    const asBob = await clientOf('agent', bob.agentId);
    const theirs = await open(asBob, control.addJob(bob.agentId, 'backup'));
    const unverified = Array.from({ length: 5 }, (_, number) => bob.data(`of bob ${number}`));
    for (const chunk of unverified) await upload(asBob, theirs.sessionId, bob.pack([[chunk]]));
    const carol = await Uploader.create(alice.domain, systemRandom);
    const client = await clientOf('agent', carol.agentId);
    const { sessionId } = await open(client, control.addJob(carol.agentId, 'backup'));
    const held = Promise.withResolvers<void>();
    control.beforeVerdict = () => held.promise;
    const askedBefore = control.verified.length;
    const questions = unverified
      .slice(0, 4)
      .map(({ claim }) => client.hasChunks({ sessionId, claims: claim }, () => undefined));
    await expect.poll(() => control.verified.length - askedBefore, { timeout: 5_000 }).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 200));
    for (const question of questions) question.cancel();

    const [last] = unverified.slice(-1) as [TestChunk];
    // While the four have their places it is refused at once.
    let answer: Promise<unknown> = Promise.resolve();
    const isRefused = async () => {
      answer = call(client, client.hasChunks, { sessionId, claims: last.claim }).catch((error: unknown) => error);
      const soon = new Promise((resolve) => setTimeout(resolve, 300, 'it waits'));
      return (await Promise.race([answer, soon])) !== 'it waits';
    };
    await expect.poll(isRefused, { timeout: 5_000 }).toBe(false);
    held.resolve();
    control.beforeVerdict = async () => undefined;
    expect(await answer).toMatchObject({ present: Buffer.of(1) });
    expect(control.verified.length - askedBefore).toBe(3);
  });

  it('lets in nobody without a certificate of the CA, and each role only through its own door', async () => {
    const anonymous = new DataServiceClient(
      formatAddress(gateway.address),
      credentials.createSsl(Buffer.from(authority.certificate)),
      { 'grpc.ssl_target_name_override': 'localhost', 'grpc.use_local_subchannel_pool': 1 },
    );
    cleanUp.unshift(() => anonymous.close());
    const job = control.addJob(alice.agentId, 'backup');
    await expect(open(anonymous, job)).rejects.toMatchObject({ kind: 'Unavailable' });
    const foreign = createAuthority(await generateAuthority(systemClock, systemRandom), ports);
    await expect(open(await clientOf('agent', alice.agentId, foreign), job)).rejects.toMatchObject({
      kind: 'Unavailable',
    });
    for (const role of ['control', 'gateway'] as const) {
      await expect(open(await clientOf(role, alice.agentId), job)).rejects.toMatchObject({
        kind: 'Forbidden',
        code: 'WRONG_CERTIFICATE_ROLE',
      });
    }
    const asAgent = await rotateIdentity(authority, { identity: { role: 'agent', id: alice.agentId } }, ports);
    const through = createGrpcGatewayClient(
      { address: formatAddress(gateway.address), serverName: 'localhost' },
      asAgent,
      systemClock,
    );
    cleanUp.unshift(
      () => through.close(),
      () => asAgent.stop(),
    );
    await expect(through.getObject(vault, 'descriptor/0000000000000001')).rejects.toMatchObject({ kind: 'Forbidden' });
    await expect(through.voidAgent(alice.agentId)).rejects.toMatchObject({ kind: 'Forbidden' });
    // Another agent's certificate does not open this agent's job, nor use its session.
    const { sessionId } = await open(await clientOf('agent', alice.agentId), job);
    const strangerId = uuidFromBytes(systemRandom.bytes(16));
    const stranger = await clientOf('agent', strangerId);
    await expect(open(stranger, job)).rejects.toMatchObject({ kind: 'Forbidden', code: 'NOT_YOUR_JOB' });
    await expect(call(stranger, stranger.closeSession, { sessionId })).rejects.toMatchObject({
      code: 'SESSION_UNKNOWN',
    });
    await expect
      .poll(() => control.incidents.map(({ agentId, kind, reason }) => [agentId, kind, reason]))
      .toEqual([
        [alice.agentId, 'callForeignService', 'WRONG_CERTIFICATE_ROLE'],
        [strangerId, 'openSession', 'NOT_YOUR_JOB'],
        [strangerId, 'closeSession', 'SESSION_OF_ANOTHER_AGENT'],
      ]);
  });

  it('reports a pack whose footer lies, and nothing of what breaks by accident', async () => {
    const client = await clientOf('agent', alice.agentId);
    const { sessionId } = await open(client, control.addJob(alice.agentId, 'backup'));
    control.incidents.length = 0;
    const pack = alice.pack([[alice.data('honest')]]);
    const [frame] = pack.frames;
    const other = Buffer.from(frame as Buffer);
    other.writeUInt8(other.readUInt8(0) ^ 1, 0);
    await expect(upload(client, systemRandom.bytes(16), pack)).rejects.toMatchObject({ code: 'SESSION_UNKNOWN' });
    await expect(upload(client, sessionId, { ...pack, frames: [other] })).rejects.toMatchObject({ code: 'FRAME_HASH' });
    await expect
      .poll(() => control.incidents)
      .toEqual([{ agentId: alice.agentId, kind: 'uploadPack', reason: 'FRAME_HASH', count: 1 }]);
  });

  it('refuses malformed uploads without harm to the session', async () => {
    const client = await clientOf('agent', alice.agentId);
    const { sessionId } = await open(client, control.addJob(alice.agentId, 'backup'));
    const pack = alice.pack([[alice.data(systemRandom.bytes(2 * MIB))]]);
    const malformed = { kind: 'Validation', code: 'MALFORMED_CALL' };
    await expect(upload(client, sessionId, pack, MIB + 1)).rejects.toMatchObject(malformed);
    await expect(upload(client, sessionId, pack, 2 * MIB)).rejects.toMatchObject({ kind: 'RateLimited' });
    const withFooter = (footerBytes: Buffer) => ({ ...pack, tail: { ...pack.tail, footerBytes } });
    await expect(upload(client, sessionId, withFooter(Buffer.alloc(8 * MIB + 1)))).rejects.toMatchObject({
      kind: 'Validation',
      code: 'FOOTER_TOO_LARGE',
    });
    await expect(upload(client, sessionId, withFooter(Buffer.alloc(0)))).rejects.toMatchObject(malformed);
    // Pieces that cost work and move nothing forward: empty ones, and very many short ones.
    await expect(upload(client, sessionId, { ...pack, frames: [Buffer.alloc(0)] })).rejects.toMatchObject(malformed);
    await expect(upload(client, sessionId, pack, 1_000)).rejects.toMatchObject(malformed);
    let backwards!: ReturnType<DataServiceClient['uploadPack']>;
    const refused = new Promise<unknown>((resolve) => {
      backwards = client.uploadPack((error) => resolve(error && fromGrpcError(error)));
    });
    const header = { sessionId, packId: systemRandom.bytes(16), kind: PackKind.PACK_KIND_DATA };
    backwards.write({ part: { $case: 'header', value: header } });
    backwards.write({ part: { $case: 'footer', value: { data: Buffer.alloc(1), last: false } } });
    backwards.write({ part: { $case: 'frame', value: { data: Buffer.alloc(1), last: true } } });
    expect(await refused).toMatchObject(malformed);
    await expect(upload(client, Buffer.alloc(3), pack)).rejects.toMatchObject({ kind: 'Validation' });
    await expect(call(client, client.hasChunks, { sessionId, claims: Buffer.alloc(33) })).rejects.toMatchObject({
      kind: 'Validation',
    });
    const cut = client.uploadPack(() => undefined);
    cut.write({
      part: { $case: 'header', value: { sessionId, packId: uuidToBytes(pack.packId), kind: PackKind.PACK_KIND_DATA } },
    });
    cut.write({ part: { $case: 'frame', value: { data: Buffer.alloc(100), last: false } } });
    await new Promise((resolve) => setTimeout(resolve, 100));
    cut.cancel();
    expect(await upload(client, sessionId, pack)).toBeGreaterThan(2n * BigInt(MIB));
  });

  describe('whose places are taken by agents that move nothing', () => {
    const sessions = async (count: number, kind: 'backup' | 'restore', root?: Buffer) => {
      const agentId = uuidFromBytes(systemRandom.bytes(16));
      const client = await clientOf('agent', agentId);
      const opened = await Promise.all(
        Array.from({ length: count }, () => open(client, control.addJob(agentId, kind, root))),
      );
      return { client, sessionIds: opened.map(({ sessionId }) => sessionId) };
    };
    const headerOf = (sessionId: Buffer) =>
      ({
        $case: 'header',
        value: { sessionId, packId: systemRandom.bytes(16), kind: PackKind.PACK_KIND_DATA },
      }) as const;
    const aPiece = { $case: 'frame', value: { data: Buffer.alloc(100), last: false } } as const;
    const beginUpload = (client: DataServiceClient, sessionId: Buffer, ...parts: (typeof aPiece)[]) => {
      let isWanted = false;
      let failure: unknown;
      const stream = client.uploadPack((error) => (failure = error && fromGrpcError(error)));
      stream.once('metadata', () => (isWanted = true));
      for (const part of [headerOf(sessionId), ...parts]) stream.write({ part });
      return { isWanted: () => isWanted, failure: () => failure, cancel: () => stream.cancel() };
    };
    const takeAllUploads = async () => {
      const agents = await Promise.all(Array.from({ length: 4 }, () => sessions(4, 'backup')));
      const uploads = agents.flatMap(({ client, sessionIds }) =>
        sessionIds.flatMap((id) => Array.from({ length: 4 }, () => beginUpload(client, id, aPiece))),
      );
      await expect.poll(() => uploads.every(({ isWanted }) => isWanted())).toBe(true);
      return uploads;
    };

    it('has an upload wait by its header alone, and in the end lets it in', async () => {
      const uploads = await takeAllUploads();
      const { client, sessionIds } = await sessions(1, 'backup');
      const [sessionId = Buffer.alloc(0)] = sessionIds;
      const eager = beginUpload(client, sessionId, aPiece);
      await expect.poll(() => eager.failure()).toMatchObject({ kind: 'RateLimited', code: 'UPLOAD_HAS_TO_WAIT' });
      const patient = beginUpload(client, sessionId);
      await expect.poll(() => patient.isWanted(), { timeout: 15_000 }).toBe(true);
      const failures = uploads.map(({ failure }) => failure()).filter((failure) => failure !== undefined);
      expect(failures).toMatchObject([{ kind: 'RateLimited', code: 'PLACE_GIVEN_UP' }]);
      for (const { cancel } of [...uploads, patient]) cancel();
    });

    it('has a read keep its place until its reader has taken it, or has taken little while another waits', async () => {
      const client = await clientOf('agent', alice.agentId);
      const { sessionId } = await open(client, control.addJob(alice.agentId, 'backup'));
      const big = alice.data(systemRandom.bytes(3 * MIB));
      const root = alice.node('root', [big]);
      for (const pack of [alice.pack([[big]]), alice.pack([[root]])]) await upload(client, sessionId, pack);
      const commit = { sessionId, rootNode: root.id, type: BackupType.BACKUP_TYPE_FULL, basePointId: Buffer.alloc(0) };
      await call(client, client.commit, commit);
      const read = (from: DataServiceClient, id: Buffer) => {
        const request = { sessionId: id, chunkIds: big.id, avoidPacks: [], pieceBytes: 4_096 };
        // Takes a few messages, and then none.
        return from.readChunks(request).on('readable', () => undefined);
      };
      const slow = (await Promise.all(Array.from({ length: 4 }, () => sessions(1, 'restore', root.id)))).flatMap(
        (each) => Array.from({ length: 4 }, () => read(each.client, each.sessionIds[0] ?? Buffer.alloc(0))),
      );
      await new Promise((resolve) => setTimeout(resolve, 500));
      const restore = await open(client, control.addJob(alice.agentId, 'restore', root.id));
      const askedAt = systemClock.monotonic();
      const contents = await readAll(client, restore.sessionId, [big.id]);
      expect(contents.map((each) => each.length)).toEqual([big.content.length]);
      expect(systemClock.monotonic() - askedAt).toBeGreaterThan(5_000);
      for (const stream of slow) {
        stream.on('error', () => undefined);
        stream.cancel();
      }
    });
  });

  it('ends sessions when control says that the job is over, also while a pack is under way', async () => {
    const { agentId } = await Uploader.create(alice.domain, systemRandom);
    const client = await clientOf('agent', agentId);
    const job = control.addJob(agentId, 'backup');
    const { sessionId } = await open(client, job);
    const under = new Promise<unknown>((resolve) => {
      const stream = client.uploadPack((error) => resolve(error && fromGrpcError(error)));
      stream.write({
        part: { $case: 'header', value: { sessionId, packId: systemRandom.bytes(16), kind: PackKind.PACK_KIND_DATA } },
      });
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await asControl.endSessions(job);
    expect(await under).toMatchObject({ kind: 'IllegalState', code: 'JOB_OVER' });
    await expect(call(client, client.hasChunks, { sessionId, claims: Buffer.alloc(0) })).rejects.toMatchObject({
      code: 'JOB_OVER',
    });
  });
});
