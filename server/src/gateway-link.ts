import { connect } from 'node:net';
import type { Clock } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import type { GatewayClient } from './platform/gateway-client.js';
import { createGrpcGatewayClient, type GrpcGatewayClient } from './platform/grpc/grpc-gateway-client.js';
import { parseListenAddress } from './platform/listen-address.js';
import type { RotatingIdentity } from './platform/pki/rotating-identity.js';

const PROBE_MS = 1_000;

/** Control's way to the gateway of its own supervisor, which comes up after it and may come back elsewhere. */
export interface GatewayLink {
  readonly client: GatewayClient;
  /** The gateway serves at this address now. */
  servesAt(address: string): void;
  /** host:port that was bound. Throws Unavailable before the gateway serves. */
  address(): string;
  /** Whether its listener takes connections. */
  isReachable(): Promise<boolean>;
  close(): void;
}

export function createGatewayLink(identity: RotatingIdentity, clock: Clock): GatewayLink {
  let current: { readonly address: string; readonly client: GrpcGatewayClient } | undefined;

  function reached(): { readonly address: string; readonly client: GrpcGatewayClient } {
    if (current === undefined)
      throw new HoldfastError({
        kind: 'Unavailable',
        code: 'GATEWAY_NOT_READY',
        message: 'The gateway is not ready yet.',
      });
    return current;
  }

  return {
    client: {
      putObject: async (...args) => reached().client.putObject(...args),
      getObject: async (...args) => reached().client.getObject(...args),
      fetchChunks: (...args) => reached().client.fetchChunks(...args),
      fetchFrames: (...args) => reached().client.fetchFrames(...args),
      describeVaults: async (...args) => reached().client.describeVaults(...args),
      voidAgent: async (...args) => reached().client.voidAgent(...args),
      endSessions: async (...args) => reached().client.endSessions(...args),
    },
    servesAt(address) {
      if (current?.address === address) return;
      current?.client.close();
      current = {
        address,
        client: createGrpcGatewayClient(
          { address: reachableFromHere(address), serverName: 'localhost' },
          identity,
          clock,
        ),
      };
    },
    address: () => reached().address,
    async isReachable() {
      return current !== undefined && (await answers(reachableFromHere(current.address)));
    },
    close: () => current?.client.close(),
  };
}

/** A listener on every address of this machine is reached on loopback. */
export function reachableFromHere(address: string): string {
  return address.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:');
}

function answers(address: string): Promise<boolean> {
  const { host, port } = parseListenAddress('gateway', address);
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: PROBE_MS });
    const settle = (good: boolean): void => {
      socket.destroy();
      resolve(good);
    };
    socket.once('connect', () => settle(true));
    socket.once('timeout', () => settle(false));
    socket.once('error', () => settle(false));
  });
}
