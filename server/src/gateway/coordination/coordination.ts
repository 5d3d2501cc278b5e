import type { PackKind } from '@holdfast/core/engine';
import type { CountedIncident } from '../../platform/incidents/incident.js';

/** A job under one lease: the epoch is its fencing token. */
export interface JobRef {
  readonly jobId: string;
  readonly epoch: number;
}

export interface VaultStoreRef {
  readonly vaultId: string;
  /** "local:/absolute/path". */
  readonly storeUrl: string;
}

/** What an agent may work on. */
export interface SessionGrant {
  readonly kind: 'backup' | 'restore';
  readonly vault: VaultStoreRef;
  readonly itemId: string;
  readonly domainId: string;
  /** Restore: where reading may start. */
  readonly root: Buffer | undefined;
  /** Restore: the agent that made the point. */
  readonly sourceAgentId: string | undefined;
}

export type BackupType = 'FULL' | 'DIFFERENTIAL' | 'INCREMENTAL';

/** What the agent counted; the gateway only passes it on. */
export interface Counters {
  readonly entries: bigint;
  readonly files: bigint;
  readonly bytesTotal: bigint;
  readonly bytesRead: bigint;
  readonly bytesChanged: bigint;
  readonly bytesSent: bigint;
  readonly bytesStored: bigint;
  readonly bytesWritten: bigint;
  readonly warnings: bigint;
  readonly entriesSkipped: bigint;
}

export interface PointRequest {
  readonly agentId: string;
  readonly job: JobRef;
  readonly root: Buffer;
  readonly type: BackupType;
  /** Empty for FULL. */
  readonly basePointId: Buffer;
  readonly counters: Counters | undefined;
}

export interface PreparedPoint {
  readonly pointId: string;
  /** SignedObject, encoded. */
  readonly signed: Buffer;
}

export interface FrameKeyQuestion {
  readonly domainId: string;
  /** WrappedSessionKey, encoded. */
  readonly sessionKey: Buffer;
  /** `frameDigest` of the frame. */
  readonly frameDigest: Buffer;
}

export interface FrameToCut {
  readonly domainId: string;
  /** WrappedSessionKey, encoded. */
  readonly sessionKey: Buffer;
  readonly kind: PackKind;
  /** FrameEntry, encoded. */
  readonly frame: Buffer;
  readonly stored: Buffer;
  /** Concatenated ids. */
  readonly chunkIds: Buffer;
}

export interface CutFrame {
  /** FrameEntry, encoded. */
  readonly frame: Buffer;
  readonly stored: Buffer;
  readonly sealedFrameKey: Buffer;
}

export interface FrameVerdict {
  /** Concatenated chunk ids. */
  readonly good: Buffer;
  readonly bad: Buffer;
}

export interface FoundPoint {
  readonly signed: Buffer;
  readonly complete: boolean;
}

/** What the gateway asks control. All throw HoldfastErrors: Unavailable or Timeout when control cannot be reached. */
export interface Coordination {
  /** Throws Forbidden (not this agent's job, agent revoked) or IllegalState (job not running, epoch is old). */
  authorizeSession(agentId: string, job: JobRef): Promise<SessionGrant>;
  preparePoint(request: PointRequest): Promise<PreparedPoint>;
  /** Idempotent. Throws IllegalState when the epoch is old. */
  recordPoint(agentId: string, job: JobRef, point: PreparedPoint): Promise<void>;
  /** In the order asked; empty where the pack's session key does not open. */
  releaseFrameKeys(job: JobRef, frames: readonly FrameKeyQuestion[]): Promise<Buffer[]>;
  /** Some chunks of a frame, sealed anew for the restore's agent alone; undefined where the frame does not open. Throws the reason of `over` once that fires. */
  cutFrame(job: JobRef, cut: FrameToCut, over: AbortSignal): Promise<CutFrame | undefined>;
  /** Of the frames that begin at these offsets in the pack. Chunks of frames that cannot be read are neither good nor bad. */
  verifyFrames(vaultId: string, packId: string, offsets: readonly number[]): Promise<FrameVerdict>;
  listVaultStores(): Promise<VaultStoreRef[]>;
  /** For the audit log. */
  reportIncident(incident: CountedIncident): Promise<void>;
  reconcilePoints(
    vaultId: string,
    points: readonly FoundPoint[],
  ): Promise<{ adopted: string[]; quarantined: string[] }>;
}
