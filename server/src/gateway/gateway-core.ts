import type { Clock, Timers } from '@holdfast/core/clock';
import type { IdSource } from '@holdfast/core/ids';
import type { IncidentRelay } from '../platform/incidents/incident-relay.js';
import type { Pace } from '../platform/pace.js';
import type { Log } from '../platform/telemetry/log.js';
import type { Admission } from './admission.js';
import type { Coordination } from './coordination/coordination.js';
import type { GatewayLimits } from './limits.js';
import type { PausedUploads } from './sessions/paused-uploads.js';
import type { SessionRegistry } from './sessions/session-registry.js';
import type { Turns } from './turn.js';
import type { VaultRegistry } from './vault-stores/vault-registry.js';
import type { BackgroundVerifier } from './verification/background-verifier.js';

/**
 * The gateway: the one process that touches vault stores. It takes packs from agents, says which chunks
 * exist for whom, serves restores along the edges of their point, and reads and stores for control. It
 * holds no key and sees no plaintext.
 *
 * What holds at any moment, whatever crashes:
 * - a chunk is said to exist only when its pack is durable and its rows are in the index;
 * - a node may be referred to only when it is closed (its uploader could name all below it, and all of it
 *   is there) or verified (control opened it and all below it);
 * - a point object is stored only when its root is closed and every footer stands in an index object;
 * - nothing is deleted here: what a crash leaves over is listed for the collector.
 *
 * Folders: chunk-index (what lies where), sessions (one verb per file over ports), verification,
 * vault-stores (stores, settling at start, reading frames), coordination (what control is asked),
 * grpc (the doors). One thread runs it all; sessions, index and stores meet at ports.
 */
export interface GatewayCore {
  readonly coordination: Coordination;
  readonly vaults: VaultRegistry;
  readonly sessions: SessionRegistry;
  readonly uploads: Admission;
  readonly pausedUploads: PausedUploads;
  readonly reads: Admission;
  readonly turns: Turns;
  /** What agents' commits and questions that came to nothing have cost, in milliseconds. */
  readonly fruitless: Pace;
  /** What cutting frames for agents' restores costs control. */
  readonly cuts: Pace;
  /** Packs that control opens again because agents complained of them. */
  readonly secondLooks: Pace;
  readonly verifier: BackgroundVerifier;
  /** Hostile behaviour, on its way to the audit log. */
  readonly incidents: IncidentRelay;
  readonly limits: GatewayLimits;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly newId: IdSource;
  readonly log: Log;
}
