import type { BackupType, JobCounters } from '../../jobs/domain/job.js';

export type Consistency = 'CRASH' | 'FILE_SYSTEM' | 'APPLICATION';

/** LIVE can be restored; DELETED was marked by someone and waits for garbage collection. */
export type PointState = 'LIVE' | 'DELETED';

export type PointStatistics = Omit<JobCounters, 'bytesWritten' | 'entriesSkipped'>;

/** What a point says about itself: exactly what is signed and stored in the vault. */
export interface PointStatement {
  readonly id: string;
  readonly vaultId: string;
  readonly itemId: string;
  /** Counts the item's points from 1. */
  readonly sequence: number;
  /** SHA-256 of the previous point's signed object; absent for the first. */
  readonly previousSha256?: Buffer;
  readonly backupType: BackupType;
  /** Milliseconds since 1970 by the server's clock. */
  readonly committedAt: number;
  /** 32 bytes. */
  readonly rootNode: Buffer;
  readonly domainId: string;
  readonly consistency: Consistency;
  readonly basePointId?: string;
  readonly agentId: string;
  readonly jobId: string;
  readonly statistics: PointStatistics;
}

/** A point as the catalog has it. */
export interface RecoveryPoint extends PointStatement {
  readonly state: PointState;
  readonly deletedAt?: number;
  /** SHA-256 of the signed object in the vault. */
  readonly objectSha256: Buffer;
}

/** The newest of an item's points, marked ones too: the chain goes on from it. */
export interface ChainEnd {
  readonly sequence: number;
  readonly objectSha256: Buffer;
  readonly committedAt: number;
}
