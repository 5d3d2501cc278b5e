import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { experimental } from '@grpc/grpc-js';
import type { Clock } from '@holdfast/core/clock';
import { addressGroup } from '../address-group.js';
import { Barred } from '../barred.js';
import { ConnectionGate, type GateLimits, type GateRefusal } from '../connection-gate.js';
import { CountedKeys } from '../counted-keys.js';
import { limitKeyUpdates } from '../key-updates.js';
import { Pace } from '../pace.js';
import { CountedLog } from '../telemetry/counted-log.js';
import type { Log } from '../telemetry/log.js';
import type { CallerLimits } from './call-limits.js';
import { type CallerRole, callerOf } from './caller.js';
import type { FrameWatch } from './frame-watch.js';
import { rememberConnection } from './hang-up.js';
import type { ReceiveTurns } from './receive-turns.js';

export interface ConnectionLimits {
  /** For connections of nobody yet; with client certificates for the handshake alone, without them for as long as they last. */
  readonly unknown: GateLimits;
  /** Connections of one certificate identity. */
  readonly perIdentity: Readonly<Record<CallerRole, CallerLimits>>;
}

export interface TlsListenerOptions {
  readonly identity: experimental.CertificateProvider;
  readonly clientCertificates: boolean;
  readonly limits: ConnectionLimits;
  readonly clock: Clock;
  readonly log: Log;
  readonly frames: FrameWatch;
  readonly turns: ReceiveTurns;
  /** Gets every connection whose handshake is done and that is within the limits. */
  readonly onConnection: (socket: TLSSocket) => void;
}

type Refusal = GateRefusal | 'IDENTITY_TOO_FAST' | 'IDENTITY_FULL' | 'NO_IDENTITY' | 'FLOODED';

const HANDSHAKE_MS = 10_000;
/** How long whoever flooded a connection is not let in: it takes a quarter of a second to be noticed, of which others shall not notice much. */
const BARRED_MS = 60_000;

/**
 * Takes TCP connections and does their TLS handshakes before anything of HTTP/2 is kept for them, so that what strangers
 * and what one identity may hold is bounded here. grpc-js has no limit of connections, and no way to its sessions.
 */
export class TlsListener {
  private readonly gate: ConnectionGate;
  private readonly identities = new CountedKeys();
  private readonly barred: Barred;
  private readonly paces: Readonly<Record<CallerRole, Pace | undefined>>;
  /** Raw connections by how their TLS side names its peer, until the handshake is done. */
  private readonly shaking = new Map<string, { readonly socket: Socket; readonly done: () => void }>();
  private readonly floods = new WeakMap<TLSSocket, () => void>();
  private readonly sockets = new Set<Socket>();
  private readonly handedOn = new Set<TLSSocket>();
  private drained: () => void = () => undefined;
  private readonly tls;
  private readonly tcp: Server;
  private readonly refusals: CountedLog<{ reason: Refusal; address: string; identity: string | undefined }>;
  private material: { ca?: Buffer; cert?: Buffer; key?: Buffer } = {};
  private ready!: () => void;
  private readonly loaded = new Promise<void>((resolve) => (this.ready = resolve));

  constructor(private readonly options: TlsListenerOptions) {
    const { clientCertificates, limits, clock } = options;
    this.gate = new ConnectionGate(limits.unknown, clock);
    this.barred = new Barred(BARRED_MS, clock);
    this.refusals = new CountedLog(clock, (fields) => options.log.warn(fields, 'grpc.connection-refused'));
    const paceOf = ({ pace }: CallerLimits): Pace | undefined => pace && new Pace(pace, clock);
    const { agent, gateway, control } = limits.perIdentity;
    this.paces = { agent: paceOf(agent), gateway: paceOf(gateway), control: paceOf(control) };
    this.tls = createTlsServer({
      requestCert: clientCertificates,
      rejectUnauthorized: clientCertificates,
      handshakeTimeout: HANDSHAKE_MS,
      ALPNProtocols: ['h2'],
    });
    this.tls.on('secureConnection', (socket) => this.secured(socket));
    limitKeyUpdates(this.tls, (socket) => this.floods.get(socket)?.());
    // A failed handshake has destroyed its connection, and whose it was nobody knows.
    this.tls.on('tlsClientError', () => undefined);
    this.tcp = createServer((socket) => this.accept(socket));
  }

  /** Binds; answers the port that was really bound. */
  async listen(host: string, port: number): Promise<number> {
    this.options.identity.addIdentityCertificateListener(this.onIdentity);
    this.options.identity.addCaCertificateListener(this.onCa);
    await this.loaded;
    await new Promise<void>((resolve, reject) => {
      this.tcp.once('error', reject);
      this.tcp.listen({ host, port }, resolve);
    });
    return (this.tcp.address() as { port: number }).port;
  }

  /** Takes no more connections and ends handshakes under way; connections that were handed on are their holder's. */
  close(): void {
    this.options.identity.removeIdentityCertificateListener(this.onIdentity);
    this.options.identity.removeCaCertificateListener(this.onCa);
    this.tcp.close();
    for (const socket of this.sockets) socket.destroy();
  }

  /** Resolves when the connections that were handed on have ended; what is left after `graceMs` is ended then. */
  async drain(graceMs: number): Promise<void> {
    if (this.handedOn.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        for (const socket of this.handedOn) socket.destroy();
      }, graceMs);
      this.drained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private accept(socket: Socket): void {
    socket.on('error', () => undefined);
    const { remoteAddress } = socket;
    if (remoteAddress === undefined) return void socket.destroy();
    const leave = this.gate.enter(remoteAddress, () => socket.destroy());
    if (typeof leave === 'string') {
      this.refuse(leave, remoteAddress);
      return void socket.destroy();
    }
    this.sockets.add(socket);
    const peer = peerOf(socket);
    const done = (): void => {
      this.sockets.delete(socket);
      this.shaking.delete(peer);
      if (this.options.clientCertificates) leave();
    };
    this.shaking.set(peer, { socket, done });
    socket.once('close', () => {
      this.shaking.get(peer)?.done();
      leave();
    });
    this.tls.emit('connection', socket);
  }

  private secured(socket: TLSSocket): void {
    socket.on('error', () => undefined);
    const shaking = this.shaking.get(peerOf(socket));
    shaking?.done();
    if (shaking === undefined || socket.alpnProtocol !== 'h2') return void socket.destroy();
    const address = socket.remoteAddress ?? '';
    const identity = this.options.clientCertificates ? this.admit(socket, address) : undefined;
    if (this.options.clientCertificates && identity === undefined) return void socket.destroy();
    const flooded = (): void => {
      if (identity === undefined) this.gate.bar(address);
      else this.barred.add(identity);
      this.refuse('FLOODED', address, identity);
    };
    this.floods.set(socket, flooded);
    const peer = identity ?? addressGroup(address);
    this.options.frames.watch(socket, shaking.socket, peer, flooded);
    this.options.turns.watch(socket, shaking.socket, peer);
    this.handedOn.add(socket);
    socket.once('close', () => {
      this.handedOn.delete(socket);
      if (this.handedOn.size === 0) this.drained();
    });
    this.options.onConnection(socket);
  }

  /** Whose it is; undefined when it is refused. */
  private admit(socket: TLSSocket, address: string): string | undefined {
    const certificate = socket.getPeerCertificate();
    // It is asked for with every call, and would be taken apart each time.
    Object.assign(socket, { getPeerCertificate: () => certificate });
    rememberConnection(certificate, socket);
    const caller = callerOf(certificate);
    if (caller === undefined) return this.refuse('NO_IDENTITY', address);
    const identity = `${caller.role}:${caller.id}`;
    if (this.barred.has(identity)) return this.refuse('BARRED', address, identity);
    if (this.paces[caller.role]?.allows(identity) === false) return this.refuse('IDENTITY_TOO_FAST', address, identity);
    if (!this.identities.add(identity, this.options.limits.perIdentity[caller.role].atOnce))
      return this.refuse('IDENTITY_FULL', address, identity);
    socket.once('close', () => this.identities.remove(identity));
    return identity;
  }

  private refuse(reason: Refusal, address: string, identity?: string): undefined {
    this.refusals.add({ reason, address, identity });
  }

  private readonly onIdentity: experimental.IdentityCertificateUpdateListener = (update) => {
    if (update === null) return;
    this.use({ cert: update.certificate, key: update.privateKey });
  };

  private readonly onCa: experimental.CaCertificateUpdateListener = (update) => {
    if (update === null) return;
    this.use({ ca: update.caCertificate });
  };

  private use(change: TlsListener['material']): void {
    this.material = { ...this.material, ...change };
    const { ca, cert, key } = this.material;
    if (ca === undefined || cert === undefined || key === undefined) return;
    this.tls.setSecureContext({ ca, cert, key });
    this.ready();
  }
}

/** Both ends: one peer may come from the same port to two addresses of this host. */
function peerOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`;
}
