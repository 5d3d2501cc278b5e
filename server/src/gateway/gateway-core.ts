import type { Clock, Timers } from '@holdfast/core/clock';
import type { IdSource } from '@holdfast/core/ids';
import type { Log } from '../platform/telemetry/log.js';
import type { Admission } from './admission.js';
import type { Coordination } from './coordination/coordination.js';
import type { GatewayLimits } from './limits.js';
import type { SessionRegistry } from './sessions/session-registry.js';
import type { VaultRegistry } from './vault-stores/vault-registry.js';
import type { BackgroundVerifier } from './verification/background-verifier.js';

/** Everything that the gateway's doors work with. */
export interface GatewayCore {
  readonly coordination: Coordination;
  readonly vaults: VaultRegistry;
  readonly sessions: SessionRegistry;
  readonly uploads: Admission;
  readonly reads: Admission;
  readonly verifier: BackgroundVerifier;
  readonly limits: GatewayLimits;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly newId: IdSource;
  readonly log: Log;
}
