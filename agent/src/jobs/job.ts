import type { WireError } from '@holdfast/core/errors';

/** A job under one lease; the epoch is the lease's fencing token. */
export interface JobRef {
  readonly jobId: string;
  readonly epoch: bigint;
}

export function sameLease(a: JobRef, b: JobRef): boolean {
  return a.jobId === b.jobId && a.epoch === b.epoch;
}

export type BackupType = 'FULL' | 'DIFFERENTIAL' | 'INCREMENTAL';
export type OnConflict = 'FAIL' | 'SKIP' | 'OVERWRITE' | 'KEEP_BOTH';
export type JobPhase = 'PREPARING' | 'TRANSFERRING' | 'COMMITTING' | 'FINISHING';

/** What an agent needs to name, cut and seal chunks of one dedup domain. */
export interface DomainKeys {
  readonly domainId: Buffer;
  readonly kemId: number;
  readonly publicKey: Buffer;
  readonly idKey: Buffer;
  readonly chunkerKey: Buffer;
  readonly chunker: { readonly minBytes: number; readonly normalBytes: number; readonly maxBytes: number };
}

/** Raw bytes as the host has them. */
export interface FilesSource {
  readonly roots: readonly Buffer[];
  readonly include: readonly Buffer[];
  readonly exclude: readonly Buffer[];
  readonly oneFileSystem: boolean;
}

/** What a job may come to; 0 while nobody knows. */
export interface Expected {
  readonly expectedBytes: number;
  readonly expectedEntries: number;
}

export interface BackupCommand extends Expected {
  readonly kind: 'backup';
  readonly job: JobRef;
  readonly vaultId: Buffer;
  readonly itemId: string;
  readonly domain: DomainKeys;
  readonly type: BackupType;
  readonly files: FilesSource;
  readonly lastPointId: string | undefined;
  readonly lastFullPointId: string | undefined;
  readonly cacheGeneration: bigint;
}

export interface RestoreCommand extends Expected {
  readonly kind: 'restore';
  readonly job: JobRef;
  readonly vaultId: Buffer;
  readonly pointId: string;
  readonly rootNode: Buffer;
  readonly domainId: Buffer;
  readonly idKey: Buffer;
  readonly transportKey: Buffer;
  /** Absolute paths in the point; empty: everything. */
  readonly select: readonly Buffer[];
  readonly targetPath: Buffer;
  readonly base: Buffer;
  readonly onConflict: OnConflict;
  readonly chunkMaxBytes: number;
  /** How many entries the whole point says it has. */
  readonly pointEntries: number;
}

export type JobCommand = BackupCommand | RestoreCommand;

/** Bytes and counts of one attempt so far. A restore counts what an attempt before it restored as its own. */
export interface Counters {
  /** Of a restore: what is there by now. */
  entries: number;
  files: number;
  bytesTotal: number;
  bytesRead: number;
  bytesChanged: number;
  bytesSent: number;
  bytesStored: number;
  bytesWritten: number;
  warnings: number;
  entriesSkipped: number;
}

export function zeroCounters(): Counters {
  return {
    entries: 0,
    files: 0,
    bytesTotal: 0,
    bytesRead: 0,
    bytesChanged: 0,
    bytesSent: 0,
    bytesStored: 0,
    bytesWritten: 0,
    warnings: 0,
    entriesSkipped: 0,
  };
}

export type NoticeKind =
  | 'UNREADABLE'
  | 'VANISHED'
  | 'CHANGED_WHILE_READ'
  | 'NOT_RESTORABLE'
  | 'SKIPPED'
  | 'DAMAGED'
  | 'UNWRITABLE';

export interface PathNotice {
  readonly path: Buffer;
  readonly kind: NoticeKind;
  readonly message: string;
}

export interface BackupOutcome {
  readonly kind: 'backup';
  readonly pointId: string;
  readonly type: BackupType;
  readonly basePointId: string | undefined;
  readonly typeReason: string;
}

export interface RestoreOutcome {
  readonly kind: 'restore';
  readonly notRestorable: number;
  readonly damaged: number;
}

export type JobOutcome =
  | BackupOutcome
  | RestoreOutcome
  | { readonly kind: 'failure'; readonly error: WireError }
  | { readonly kind: 'cancelled' };

export interface FinishedJob {
  readonly job: JobRef;
  readonly counters: Counters;
  readonly notices: readonly PathNotice[];
  readonly noticesTotal: number;
  /** Of a backup: the roots that could not be read when it began; undefined when it did not come that far. */
  readonly rootTroubles: readonly PathNotice[] | undefined;
  readonly outcome: JobOutcome;
}

export interface JobProgress extends Expected {
  readonly job: JobRef;
  readonly phase: JobPhase;
  readonly counters: Counters;
  /** What it cannot go on without, in words; empty while it goes on. */
  readonly waitingFor: string;
}
