import type { FilesDatasource } from './files-datasource.js';
import type { PreCheck } from './pre-check.js';

export type ProtectionState = 'PENDING' | 'PROTECTED' | 'STOPPED';
export type Workload = 'FILES';

export interface ProtectedItem {
  readonly id: string;
  readonly name: string;
  readonly workload: Workload;
  readonly files: FilesDatasource;
  readonly subscriptionId: string;
  readonly vaultId: string;
  readonly agentId: string;
  readonly policyId?: string;
  readonly state: ProtectionState;
  /** The latest occurrence of the policy's schedule that was served; absent without a policy. */
  readonly servedUntil?: number;
  /** Start of the next scheduled backup, jitter included; absent without a policy and when stopped. */
  readonly nextBackupAt?: number;
  /** Caches on the host that were made under another generation are void. */
  readonly cacheGeneration: number;
  /** Milliseconds since 1970, UTC. */
  readonly createdAt: number;
  readonly stoppedAt?: number;
  /** Absent until an agent has looked. */
  readonly preCheck?: PreCheck;
}

/** PENDING until there is something to restore; a stopped item stays stopped whatever still arrives. */
export function stateAfterPoint(state: ProtectionState): ProtectionState {
  return state === 'STOPPED' ? 'STOPPED' : 'PROTECTED';
}
