import type { GatewayClient } from '../platform/gateway-client.js';
import type { AccessServices } from './access/services.js';
import type { AgentServices } from './agents/services.js';
import type { JobServices, Wakeable } from './jobs/services.js';
import type { PointAccesses } from './key-release/point-accesses.js';
import type { NodeReader } from './recovery-points/browse/node-reader.js';
import type { RegionServices } from './regions/ports.js';
import type { SetupServices } from './setup/ports.js';
import type { KeyKeeper } from './vaults/key-keeper.js';
import type { FrameOpening } from './vaults/opening/frame-opening.js';
import type { FrameVerification } from './verification/frame-verification.js';

/**
 * What use cases need from outside the database: keys, the gateway, agents' streams. Each feature adds its
 * line, with a port from its own ports.ts; composition-root.ts puts the implementations in.
 */
export interface Services {
  readonly access: AccessServices;
  readonly regions: RegionServices;
  readonly setup: SetupServices;
  readonly gateway: GatewayClient;
  readonly agents: AgentServices;
  readonly jobs: JobServices;
  readonly keys: KeyKeeper;
  readonly opening: FrameOpening;
  readonly pointAccesses: PointAccesses;
  readonly frameVerification: FrameVerification;
  readonly nodes: NodeReader;
  /** Writes what was added to vaults' logs. */
  readonly vaultLog: Wakeable;
}
