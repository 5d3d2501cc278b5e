import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { experimental, Server } from '@grpc/grpc-js';
import type { Clock } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import type { RotatingIdentity } from '../pki/rotating-identity.js';
import type { Log } from '../telemetry/log.js';
import { accessLog } from './access-log.js';
import { Health, HealthService, NOT_SERVING, SERVING } from './health.js';

export interface GrpcLimits {
  readonly maxMessageBytes: number;
  /** Calls at a time on one connection. */
  readonly maxConcurrentCalls: number;
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

export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  const { limits, identity } = options;
  const server = new Server({
    'grpc.max_receive_message_length': limits.maxMessageBytes,
    'grpc.max_concurrent_streams': limits.maxConcurrentCalls,
    'grpc.keepalive_time_ms': PING_MS,
    'grpc.keepalive_timeout_ms': PING_TIMEOUT_MS,
    ...(limits.maxIdleMs === undefined ? {} : { 'grpc.max_connection_idle_ms': limits.maxIdleMs }),
    ...(limits.windowBytes === undefined ? {} : { 'grpc-node.flow_control_window': limits.windowBytes }),
    // Its counters cost more per message than everything that reads them is worth.
    'grpc.enable_channelz': 0,
    interceptors: [accessLog(options.log, options.clock)],
  });
  const health = new Health(options.services.map(({ name }) => name));
  for (const { definition, handlers } of options.services) server.addService(definition, handlers);
  server.addService(HealthService, health.handlers);
  const credentials = experimental.createCertificateProviderServerCredentials(
    identity,
    options.clientCertificates ? identity : null,
    options.clientCertificates,
  );

  return {
    async listen(host, port) {
      const bound = await new Promise<number>((resolve, reject) => {
        server.bindAsync(joinAddress(host, port), credentials, (error, actual) => {
          if (error) reject(cannotListen(host, port, error));
          else resolve(actual);
        });
      });
      health.set(SERVING);
      return joinAddress(host, bound);
    },
    close(graceMs) {
      health.set(NOT_SERVING);
      health.endWatches();
      return new Promise((resolve) => {
        const timer = setTimeout(() => server.forceShutdown(), graceMs);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      });
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
