export type JobKind = 'BACKUP' | 'RESTORE';

export type JobState =
  | 'QUEUED'
  | 'DISPATCHED'
  | 'RUNNING'
  | 'COMPLETED'
  | 'COMPLETED_WITH_WARNINGS'
  | 'FAILED'
  | 'CANCELLED';

export type BackupType = 'FULL' | 'DIFFERENTIAL' | 'INCREMENTAL';

export type JobPhase = 'PREPARING' | 'TRANSFERRING' | 'COMMITTING' | 'FINISHING';

/** Names one lease of a job: whoever holds an older epoch may change nothing. */
export interface JobRef {
  readonly jobId: string;
  readonly epoch: number;
}

/** Amounts in bytes unless named otherwise. Of the last attempt, but for what a restore counts of those before it: entries, files and bytes written. */
export interface JobCounters {
  /** Of a restore: what is there by now. */
  readonly entries: bigint;
  readonly files: bigint;
  /** Apparent bytes of all that was seen. */
  readonly bytesTotal: bigint;
  readonly bytesRead: bigint;
  /** Bytes of content that the vault did not have when the attempt came to them. */
  readonly bytesChanged: bigint;
  readonly bytesSent: bigint;
  readonly bytesStored: bigint;
  readonly bytesWritten: bigint;
  readonly warnings: bigint;
  /** Of a restore: entries that were there already and were left as they are. */
  readonly entriesSkipped: bigint;
}

export interface JobFailure {
  /** A code of the error table. */
  readonly code: string;
  readonly message: string;
}

export interface Job {
  readonly id: string;
  readonly kind: JobKind;
  readonly state: JobState;
  readonly subscriptionId: string;
  readonly vaultId: string;
  readonly protectedItemId: string;
  /** The agent that does the work; of a restore, the target's. */
  readonly agentId: string;
  /** Who asked for it: `user:<id>` or `system:<task>`. */
  readonly requestedBy: string;
  /** JSON that only the kind's handler reads. Never a secret: those are built at dispatch. */
  readonly payload: unknown;
  readonly requestedBackupType?: BackupType;
  readonly backupType?: BackupType;
  readonly backupTypeReason?: string;
  /** Of a backup, the point it made; of a restore, the point it restores. */
  readonly recoveryPointId?: string;
  /** 1 for the first try. */
  readonly attempt: number;
  /** 0 before the first claim. */
  readonly epoch: number;
  /** Set while DISPATCHED or RUNNING. Milliseconds since 1970, as all times here. */
  readonly leaseUntil?: number;
  /** A QUEUED job is not claimed before. */
  readonly notBefore: number;
  readonly cancelRequestedAt?: number;
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  readonly error?: JobFailure;
  /** Why the attempt before this one came to nothing. */
  readonly previousAttemptError?: JobFailure;
  /** The last counters that were persisted; final ones once the job is over. */
  readonly counters?: JobCounters;
  readonly noticesTotal: number;
}

export type NoticeKind =
  | 'UNREADABLE'
  | 'VANISHED'
  | 'CHANGED_WHILE_READ'
  | 'NOT_RESTORABLE'
  | 'SKIPPED'
  | 'DAMAGED'
  | 'UNWRITABLE'
  | 'UNKNOWN';

export interface JobNotice {
  /** Raw bytes, as the host has them. */
  readonly path: Uint8Array;
  readonly kind: NoticeKind;
  readonly message: string;
}

export const ACTIVE_STATES = ['DISPATCHED', 'RUNNING'] as const satisfies readonly JobState[];

export function isActive(job: Job): boolean {
  return job.state === 'DISPATCHED' || job.state === 'RUNNING';
}

export function isFinal(job: Job): boolean {
  return !isActive(job) && job.state !== 'QUEUED';
}
