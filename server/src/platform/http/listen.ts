import { readFile } from 'node:fs/promises';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import type { Express } from 'express';
import { ConnectionGate } from '../connection-gate.js';
import { limitKeyUpdates } from '../key-updates.js';
import { bindFailure } from '../listen-address.js';
import type { RotatingIdentity } from '../pki/rotating-identity.js';
import { formatAddress, type ListenAddress } from '../process-roles.js';

/** How HTTP is protected: not at all, by given files, or by a certificate of the server's own CA that renews itself. */
export type Protection =
  | { readonly kind: 'plain' }
  | { readonly kind: 'files'; readonly certificateFile: string; readonly keyFile: string }
  | { readonly kind: 'own'; readonly identity: RotatingIdentity };

export interface Listening {
  readonly server: Server;
  /** `http://127.0.0.1:8400`, with what was really bound. */
  readonly url: string;
}

export async function listenHttp(
  app: Express,
  address: ListenAddress,
  protection: Protection,
  gate: ConnectionGate,
): Promise<Listening> {
  const server = await createServer(app, protection);
  limitConnections(server, gate);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(bindFailure('--http', address, error)));
    server.listen(address.port, address.host, resolve);
  });
  const { address: host, port } = server.address() as AddressInfo;
  return { server, url: `${protection.kind === 'plain' ? 'http' : 'https'}://${formatAddress({ host, port })}` };
}

const TLS = { minVersion: 'TLSv1.2', handshakeTimeout: 10_000 } as const;

async function createServer(app: Express, protection: Protection): Promise<Server> {
  switch (protection.kind) {
    case 'plain':
      return createHttpServer(app);
    case 'files':
      try {
        const [cert, key] = await Promise.all([readFile(protection.certificateFile), readFile(protection.keyFile)]);
        return createHttpsServer({ cert, key, ...TLS }, app);
      } catch (cause) {
        throw new HoldfastError({
          kind: 'Validation',
          code: 'CONFIGURATION',
          message: `--tls-cert and --tls-key cannot be used: ${cause instanceof Error ? cause.message : 'unknown reason'}`,
          cause,
        });
      }
    case 'own': {
      const { certificateChain, key } = protection.identity.current();
      const server = createHttpsServer({ cert: certificateChain, key, ...TLS }, app);
      protection.identity.onRenewed((renewed) =>
        server.setSecureContext({ cert: renewed.certificateChain, key: renewed.key }),
      );
      return server;
    }
  }
}

/** Takes no new connection, lets answers under way end for `graceMs`, then closes what is left. */
export async function closeHttp(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(timer);
}

/** Whole offices come from one address; behind a proxy everybody does, and the proxy has to tell them apart. */
const CONNECTIONS = { places: 4_096, graceMs: 30_000 };
const OF_ONE_ADDRESS = { perAddress: 1_024, pace: { burst: 1_000, perSecond: 100 } };
const OF_THE_PROXY = { perAddress: CONNECTIONS.places, pace: { burst: 10_000, perSecond: 10_000 } };

export function createHttpGate(clock: Clock, behindProxy: boolean): ConnectionGate {
  return new ConnectionGate({ ...CONNECTIONS, ...(behindProxy ? OF_THE_PROXY : OF_ONE_ADDRESS) }, clock);
}

/** Slow or idle senders do not hold a connection for ever, and nobody holds all of them. */
export function limitConnections(server: Server, gate: ConnectionGate): void {
  server.prependListener('connection', (socket: Socket) => {
    const leave = gate.enter(socket.remoteAddress ?? '', () => socket.destroy());
    if (typeof leave === 'string') socket.destroy();
    else socket.once('close', leave);
  });
  if (server instanceof HttpsServer) limitKeyUpdates(server, (socket) => gate.bar(socket.remoteAddress ?? ''));
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  server.keepAliveTimeout = 60_000;
  server.maxRequestsPerSocket = 10_000;
}
