import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { Client, credentials } from '@grpc/grpc-js';
import { type Clock, systemClock, type Timers } from '@holdfast/core/clock';
import { systemRandom } from '@holdfast/core/ids';
import { pino } from 'pino';
import type { Authority, IssuedIdentity } from '../pki/certificate-authority.js';
import { createAuthority, generateAuthority } from '../pki/certificate-authority.js';
import type { RotatingIdentity } from '../pki/rotating-identity.js';
import { rotateIdentity } from '../pki/rotating-identity.js';
import { CERTIFICATE_DOOR, DATA_CALLS } from './connection-limits.js';
import type { GrpcLimits, GrpcServer, GrpcService } from './grpc-server.js';
import { createGrpcServer } from './grpc-server.js';
import { HealthService, SERVING } from './health.js';

const AGENT = '01901234-5678-7abc-8def-0123456789ab';
const OTHER = '01901234-5678-7abc-8def-0123456789ac';
const log = pino({ level: 'silent' });
const { check } = HealthService;
const asIs = (bytes: Buffer): Buffer => bytes;

/** A call whose handler decides how much it reads. */
export const TAKES = {
  take: { ...check, path: '/taking/take', requestStream: true, requestSerialize: asIs, requestDeserialize: asIs },
};

export interface DoorOptions {
  readonly clientCertificates?: boolean;
  readonly clock?: Clock;
  readonly timers?: Timers;
  readonly services?: readonly GrpcService[];
}

/** gRPC doors under one authority, and who knocks at them. */
export class DoorScene {
  private readonly servers: GrpcServer[] = [];
  private readonly ends: (() => void)[] = [];

  private constructor(
    readonly authority: Authority,
    readonly identity: RotatingIdentity,
    readonly agent: IssuedIdentity,
    readonly other: IssuedIdentity,
  ) {}

  static async create(): Promise<DoorScene> {
    const ports = { clock: systemClock, random: systemRandom };
    const authority = createAuthority(await generateAuthority(systemClock, systemRandom), ports);
    const identity = await rotateIdentity(
      authority,
      { hosts: ['gateway.test'] },
      { ...ports, timers: systemClock, log },
    );
    const agent = await authority.issue({ identity: { role: 'agent', id: AGENT } });
    const other = await authority.issue({ identity: { role: 'agent', id: OTHER } });
    return new DoorScene(authority, identity, agent, other);
  }

  /** After each test. */
  async clear(): Promise<void> {
    for (const end of this.ends.splice(0)) end();
    for (const server of this.servers.splice(0)) await server.close(100);
  }

  /** The port that it listens at. */
  async open(
    limits: Partial<GrpcLimits>,
    { clientCertificates = true, clock = systemClock, timers = systemClock, services = [] }: DoorOptions = {},
  ): Promise<number> {
    const server = createGrpcServer({
      identity: this.identity,
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
      clock,
      timers,
      log,
    });
    this.servers.push(server);
    return Number((await server.listen('127.0.0.1', 0)).split(':')[1]);
  }

  async closeServer(graceMs: number): Promise<void> {
    await this.servers.pop()?.close(graceMs);
  }

  /** A connection that the server has taken, and nothing more; `closed` resolves when it does not want it. */
  async secure(port: number, as?: IssuedIdentity): Promise<{ socket: TLSSocket; closed: Promise<void> }> {
    const socket = connectTls({
      port,
      host: '127.0.0.1',
      servername: 'gateway.test',
      ca: this.authority.certificate,
      ALPNProtocols: ['h2'],
      ...(as === undefined ? {} : { key: as.key, cert: as.certificateChain }),
    });
    this.ends.push(() => socket.destroy());
    socket.on('error', () => undefined);
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    // With TLS 1.3 a client is done before the server has seen its certificate; the first frame comes after that.
    await Promise.race([new Promise((resolve) => socket.once('data', resolve)), closed]);
    return { socket, closed };
  }

  silent(port: number): Socket {
    const socket = connectTcp(port, '127.0.0.1');
    this.ends.push(() => socket.destroy());
    return socket.on('error', () => undefined);
  }

  client(port: number, as?: IssuedIdentity): Client {
    const secured = credentials.createSsl(
      Buffer.from(this.authority.certificate),
      as && Buffer.from(as.key),
      as && Buffer.from(as.certificateChain),
    );
    const made = new Client(`127.0.0.1:${port}`, secured, {
      'grpc.ssl_target_name_override': 'gateway.test',
      'grpc.use_local_subchannel_pool': 1,
    });
    this.ends.push(() => made.close());
    return made;
  }
}

export async function isHealthy(by: Client): Promise<boolean> {
  return new Promise((resolve) =>
    by.makeUnaryRequest(
      check.path,
      check.requestSerialize,
      check.responseDeserialize,
      { service: '' },
      (error, state) => resolve(!error && state?.status === SERVING),
    ),
  );
}
