import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Clock, Timers } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import type { PaceLimits } from '../pace.js';
import type { RotatingIdentity } from '../pki/rotating-identity.js';
import type { Log } from '../telemetry/log.js';
import { accessLog } from './access-log.js';
import { keepWhatIsRead } from './call-headers.js';
import { type CallLimits, limitCalls } from './call-limits.js';
import { FrameWatch } from './frame-watch.js';
import { Health, HealthService, NOT_SERVING, SERVING } from './health.js';
import { ReceiveTurns } from './receive-turns.js';
import { type ConnectionLimits, TlsListener } from './tls-listener.js';

export interface GrpcLimits {
  readonly maxMessageBytes: number;
  /** Calls at a time on one connection. */
  readonly maxConcurrentCalls: number;
  readonly calls: CallLimits;
  readonly connections: ConnectionLimits;
  /** How many calls a peer may break off on one connection, before that takes no more. */
  readonly resets: PaceLimits;
  /** Connections without a call are closed after so long. */
  readonly maxIdleMs?: number;
  /**
   * What a peer may have under way, per call and per connection; HTTP/2's 64 KiB where absent. They cap an upload at 1.3 MB/s on
   * a 50 ms link.
   */
  readonly windowBytes?: number;
}

export interface GrpcService {
  /** As health checks name it: `holdfast.v1.ControlService`. */
  readonly name: string;
  readonly definition: ServiceDefinition;
  readonly handlers: UntypedServiceImplementation;
}

export interface GrpcServerOptions {
  readonly identity: RotatingIdentity;
  /** Whether a client certificate of the CA is demanded in the handshake. */
  readonly clientCertificates: boolean;
  readonly services: readonly GrpcService[];
  readonly limits: GrpcLimits;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

export interface GrpcServer {
  /** Binds and serves; answers host:port that was really bound. */
  listen(host: string, port: number): Promise<string>;
  /** No new calls; those under way may end within `graceMs`. Long streams have to be ended by whoever holds them. */
  close(graceMs: number): Promise<void>;
}

const PING_MS = 20_000;
const PING_TIMEOUT_MS = 10_000;
/** What Node's HTTP/2 may keep for one connection beside the messages themselves: headers, pings, settings, unsent frames. */
const SESSION_MEMORY_MB = 128;

export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  const { limits, identity } = options;
  const frames = new FrameWatch();
  const turns = new ReceiveTurns();
  const definitions = [...options.services.map(({ definition }) => definition), HealthService];
  const methods = new Set(definitions.flatMap((each) => Object.values<{ path: string }>(each).map(({ path }) => path)));
  const server = new Server({
    'grpc.max_receive_message_length': limits.maxMessageBytes,
    'grpc.max_concurrent_streams': limits.maxConcurrentCalls,
    'grpc.keepalive_time_ms': PING_MS,
    'grpc.keepalive_timeout_ms': PING_TIMEOUT_MS,
    ...(limits.maxIdleMs === undefined ? {} : { 'grpc.max_connection_idle_ms': limits.maxIdleMs }),
    ...(limits.windowBytes === undefined ? {} : { 'grpc-node.flow_control_window': limits.windowBytes }),
    'grpc-node.on_stream': (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      const { ':path': path = '', 'content-type': type = '' } = headers;
      frames.onStream(stream, methods.has(path) && type.startsWith('application/grpc'));
      turns.onStream(stream);
      keepWhatIsRead(headers);
    },
    'grpc-node.stream_reset_burst': limits.resets.burst,
    'grpc-node.stream_reset_rate': limits.resets.perSecond,
    // Its counters cost more per message than everything that reads them is worth.
    'grpc.enable_channelz': 0,
    'grpc-node.max_session_memory': SESSION_MEMORY_MB,
    interceptors: [accessLog(options.log, options.clock), limitCalls(limits.calls, options)],
  });
  const health = new Health(options.services.map(({ name }) => name));
  for (const { definition, handlers } of options.services) server.addService(definition, handlers);
  server.addService(HealthService, health.handlers);
  // TLS is done before: to grpc-js these are plain connections.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const listener = new TlsListener({
    identity,
    clientCertificates: options.clientCertificates,
    limits: limits.connections,
    clock: options.clock,
    log: options.log,
    frames,
    turns,
    onConnection: (socket) => injector.injectConnection(socket),
  });

  return {
    async listen(host, port) {
      const bound = await listener.listen(host, port).catch((error: Error) => {
        throw cannotListen(host, port, error);
      });
      health.set(SERVING);
      return joinAddress(host, bound);
    },
    async close(graceMs) {
      listener.close();
      health.set(NOT_SERVING);
      health.endWatches();
      // Asks each connection to end after its calls. For connections that it did not accept itself grpc-js waits for nothing.
      server.tryShutdown(() => undefined);
      await listener.drain(graceMs);
    },
  };
}

export function joinAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function cannotListen(host: string, port: number, cause: Error): HoldfastError {
  return new HoldfastError({
    kind: 'IllegalState',
    code: 'CANNOT_LISTEN',
    message: `Cannot listen on ${joinAddress(host, port)}: ${cause.message}`,
    cause,
  });
}
