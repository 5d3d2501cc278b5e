import type { GatewayClient } from '../platform/grpc/gateway-client.js';
import type { JobServices } from './jobs/services.js';

/**
 * What use cases need from outside the database: keys, the gateway, agents' streams. Each feature adds its
 * line, with a port from its own ports.ts; composition-root.ts puts the implementations in.
 */
export interface Services {
  readonly gateway: GatewayClient;
  readonly jobs: JobServices;
}
