import type { RootTrouble } from '../../protected-items/domain/pre-check.js';
import type { BackupType, JobCounters, JobNotice } from './job.js';

export type JobOutcome =
  | {
      readonly kind: 'backup';
      readonly pointId: string;
      readonly type: BackupType;
      readonly basePointId?: string;
      readonly typeReason?: string;
    }
  | { readonly kind: 'restore'; readonly notRestorable: number; readonly damaged: number }
  | { readonly kind: 'failure'; readonly code: string; readonly message: string }
  | { readonly kind: 'cancelled' };

/** What an agent reports when it is done with a job. */
export interface JobResult {
  readonly outcome: JobOutcome;
  readonly counters: JobCounters;
  /** At most 1,000. */
  readonly notices: readonly JobNotice[];
  readonly noticesTotal: number;
  /** Of a backup: the roots that could not be read when it began; absent when it did not come that far. */
  readonly rootTroubles?: readonly RootTrouble[];
}

export const MOST_NOTICES = 1_000;
