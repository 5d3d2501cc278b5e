import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CallOptions, type ClientUnaryCall, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { systemClock } from '@holdfast/core/clock';
import { openLocalStore } from '@holdfast/core/engine';
import { systemRandom, uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import {
  BackupType,
  CoordinationServiceService,
  DataServiceClient,
  type FrameHead,
  type ReadChunksRequest,
  type ReadChunksResponse,
  type UploadPackRequest,
} from '@holdfast/proto/v1';
import { pino } from 'pino';
import { CERTIFICATE_DOOR, CONTROL_CALLS } from '../../../platform/grpc/connection-limits.js';
import { fromGrpcError } from '../../../platform/grpc/errors.js';
import { createGrpcGatewayClient, type GrpcGatewayClient } from '../../../platform/grpc/grpc-gateway-client.js';
import { createGrpcServer } from '../../../platform/grpc/grpc-server.js';
import { type Authority, createAuthority, generateAuthority } from '../../../platform/pki/certificate-authority.js';
import { rotateIdentity } from '../../../platform/pki/rotating-identity.js';
import type { GatewayCredentials } from '../../../platform/process-channel.js';
import { formatAddress, type RunningGateway } from '../../../platform/process-roles.js';
import { startGateway } from '../../composition-root.js';
import { TestControl } from '../control.fixture.js';
import { type TestChunk, type TestPack, testDomain, Uploader } from '../uploader.fixture.js';
import { coordinationServer } from './control-server.fixture.js';

const log = pino({ level: 'silent' });
const ports = { clock: systemClock, timers: systemClock, random: systemRandom, log };
const MIB = 1024 * 1024;
const MESSAGE_BYTES = 16 * MIB;

const newId = (): string => uuidFromBytes(systemRandom.bytes(16));

/** A gateway as it runs, over mutual TLS, with one vault, a control in this process, and clients that do what a test asks of them. */
export class GatewayScene {
  private readonly cleanUp: (() => unknown)[] = [];

  private constructor(
    readonly folder: string,
    readonly vault: { readonly vaultId: string; readonly storeUrl: string },
    readonly authority: Authority,
    readonly control: TestControl,
    readonly alice: Uploader,
    private readonly gateway: RunningGateway,
    readonly asControl: GrpcGatewayClient,
  ) {}

  /** `prepareStores` makes the folder that the vault's store comes to lie in, and returns what is to be done with it in the end. */
  static async start(prepareStores: (folder: string) => () => void = makeFolder): Promise<GatewayScene> {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-gateway-'));
    const vault = { vaultId: newId(), storeUrl: `local:${join(folder, 'stores', 'vault')}` };
    const removeStores = prepareStores(join(folder, 'stores'));
    const authority = await newAuthority();
    const domain = await testDomain(vault.vaultId, systemRandom);
    const root = join(folder, 'stores', 'vault');
    const store = await openLocalStore({ root, owner: 'test', random: systemRandom, create: true });
    rmSync(root, { recursive: true });
    const control = new TestControl(vault, domain, store, systemRandom);
    const hosts = ['localhost', '127.0.0.1'];
    const identity = await rotateIdentity(authority, { hosts, identity: { role: 'control', id: newId() } }, ports);
    const server = createGrpcServer({
      identity,
      clientCertificates: true,
      services: [
        {
          definition: CoordinationServiceService,
          handlers: coordinationServer(control, log),
          name: 'holdfast.v1.CoordinationService',
        },
      ],
      limits: {
        maxMessageBytes: MESSAGE_BYTES,
        maxConcurrentCalls: 100,
        resets: { burst: 100, perSecond: 10 },
        connections: CERTIFICATE_DOOR,
        calls: CONTROL_CALLS,
      },
      clock: systemClock,
      timers: systemClock,
      log,
    });
    const coordinationAddress = await server.listen('127.0.0.1', 0);
    const gatewayId = newId();
    const issued = await authority.issue({ hosts, identity: { role: 'gateway', id: gatewayId } });
    const received: GatewayCredentials = {
      type: 'gateway-credentials',
      gatewayId,
      certificateChain: issued.certificateChain,
      key: issued.key,
      ca: authority.certificate,
      coordinationAddress,
      coordinationServerName: 'localhost',
    };
    const gateway = await startGateway(
      {
        dataDirectory: join(folder, 'gateway'),
        listen: { host: '127.0.0.1', port: 0 },
        storeRoots: [join(folder, 'stores')],
        credentials: received,
        onCredentials: () => undefined,
      },
      ports,
    );
    const address = { address: formatAddress(gateway.address), serverName: 'localhost' };
    const asControl = createGrpcGatewayClient(address, identity, systemClock);
    const alice = await Uploader.create(domain, systemRandom);
    const scene = new GatewayScene(folder, vault, authority, control, alice, gateway, asControl);
    scene.cleanUp.push(
      () => asControl.close(),
      () => gateway.stop(),
      () => server.close(1_000),
      () => identity.stop(),
      removeStores,
      () => rmSync(folder, { recursive: true }),
    );
    await asControl.putObject(vault, 'descriptor/0000000000000001', Buffer.from('first'));
    return scene;
  }

  async stopGateway(): Promise<void> {
    await this.gateway.stop();
  }

  async stop(): Promise<void> {
    for (const each of this.cleanUp) await each();
  }

  newVault(storeUrl = `local:${join(this.folder, 'stores', newId())}`) {
    return { vaultId: newId(), storeUrl };
  }

  async clientOf(role: 'agent' | 'control' | 'gateway', id: string, from = this.authority): Promise<DataServiceClient> {
    const { certificateChain, key } = await from.issue({ identity: { role, id } });
    return this.client(Buffer.from(key), Buffer.from(certificateChain));
  }

  anonymous(): DataServiceClient {
    return this.client();
  }

  /** Control's own service, for one who has an agent's certificate. */
  async controlServiceAsAgent(agentId: string): Promise<GrpcGatewayClient> {
    const asAgent = await rotateIdentity(this.authority, { identity: { role: 'agent', id: agentId } }, ports);
    const through = createGrpcGatewayClient(
      { address: formatAddress(this.gateway.address), serverName: 'localhost' },
      asAgent,
      systemClock,
    );
    this.cleanUp.unshift(
      () => through.close(),
      () => asAgent.stop(),
    );
    return through;
  }

  open(client: DataServiceClient, job: { readonly jobId: string; readonly epoch: number }) {
    return call(client, client.openSession, { job: { jobId: uuidToBytes(job.jobId), epoch: BigInt(job.epoch) } });
  }

  /** An agent of its own with so many sessions. */
  async agentWith(count: number, kind: 'backup' | 'restore', root?: Buffer) {
    const agentId = newId();
    const client = await this.clientOf('agent', agentId);
    const opened = await Promise.all(
      Array.from({ length: count }, () => this.open(client, this.control.addJob(agentId, kind, root))),
    );
    return { agentId, client, sessionIds: opened.map(({ sessionId }) => sessionId) };
  }

  /** A point of alice's with these chunks below its root. */
  async commit(
    chunks: readonly TestChunk[],
  ): Promise<{ readonly root: TestChunk; readonly packs: readonly TestPack[] }> {
    const { alice, control } = this;
    const client = await this.clientOf('agent', alice.agentId);
    const { sessionId } = await this.open(client, control.addJob(alice.agentId, 'backup'));
    const root = alice.node('root', chunks);
    const packs = [alice.pack(chunks.map((chunk) => [chunk])), alice.pack([[root]])];
    for (const pack of packs) await upload(client, sessionId, pack);
    await call(client, client.commit, commitOf(sessionId, root));
    return { root, packs };
  }

  async readAll(client: DataServiceClient, sessionId: Buffer, ids: readonly Buffer[]): Promise<string[]> {
    const frames = await readFrames(client, readOf(sessionId, ids));
    return frames.flatMap(({ head, stored }) =>
      this.control
        .openServed(head.kind as number, head.frame, head.sealedFrameKey, stored)
        .map((each) => each.toString('latin1')),
    );
  }

  private client(key?: Buffer, certificateChain?: Buffer): DataServiceClient {
    const secure = credentials.createSsl(Buffer.from(this.authority.certificate), key, certificateChain);
    const client = new DataServiceClient(formatAddress(this.gateway.address), secure, {
      'grpc.ssl_target_name_override': 'localhost',
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_send_message_length': 2 * MESSAGE_BYTES,
    });
    this.cleanUp.unshift(() => client.close());
    return client;
  }
}

function makeFolder(folder: string): () => void {
  mkdirSync(folder);
  return () => undefined;
}

export async function newAuthority(): Promise<Authority> {
  return createAuthority(await generateAuthority(systemClock, systemRandom), ports);
}

type Method<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  done: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

export function call<Request, Response>(
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

export function commitOf(sessionId: Buffer, root: TestChunk) {
  return { sessionId, rootNode: root.id, type: BackupType.BACKUP_TYPE_FULL, basePointId: Buffer.alloc(0) };
}

export function upload(
  client: DataServiceClient,
  sessionId: Buffer,
  pack: TestPack,
  pieceBytes = MIB,
): Promise<bigint> {
  return new Promise((resolve, reject) => {
    const stream = client.uploadPack((error, response) =>
      error ? reject(fromGrpcError(error)) : resolve(response.storedBytes),
    );
    const write = (part: NonNullable<UploadPackRequest['part']>): void => void stream.write({ part });
    write({ $case: 'header', value: { sessionId, packId: uuidToBytes(pack.packId), kind: pack.kind, again: false } });
    const writePieces = ($case: 'frame' | 'footer', bytes: Buffer): void => {
      for (let at = 0; at < Math.max(1, bytes.length); at += pieceBytes)
        write({ $case, value: { data: bytes.subarray(at, at + pieceBytes), last: at + pieceBytes >= bytes.length } });
    };
    for (const frame of pack.frames) writePieces('frame', frame);
    writePieces('footer', pack.tail.footerBytes);
    stream.end();
  });
}

export function readOf(sessionId: Buffer, ids: readonly Buffer[]): ReadChunksRequest {
  return { sessionId, chunkIds: Buffer.concat(ids), avoidPacks: [], pieceBytes: 0, held: undefined };
}

/** What of each frame is sent. */
export async function readFrames(
  client: DataServiceClient,
  request: ReadChunksRequest,
): Promise<{ readonly head: FrameHead; readonly stored: Buffer }[]> {
  const frames: { head: FrameHead; pieces: Buffer[] }[] = [];
  for await (const { part } of client.readChunks(request) as AsyncIterable<ReadChunksResponse>) {
    if (part?.$case === 'head') frames.push({ head: part.value, pieces: [] });
    else if (part?.$case === 'piece') frames.at(-1)?.pieces.push(part.value);
  }
  return frames.map(({ head, pieces }) => ({ head, stored: Buffer.concat(pieces) }));
}
