import type { BackupType, Counters, JobRef } from './job.js';

/**
 * The data plane as the jobs see it: one session of one job. Implementations repeat what is safe to
 * repeat over lost connections; what they throw is final for the job, and always a HoldfastError.
 */
export interface DataTransport {
  /** Throws Forbidden (not this agent's job, agent revoked) or IllegalState (job not running, epoch is old). */
  openSession(job: JobRef, signal: AbortSignal, onWait: OnWait): Promise<DataSession>;
}

/** Told what a session waits for, in words, whenever it has to; with none once it goes on. */
export type OnWait = (words: string) => void;

/** What the gateway said when it opened the session. */
export interface SessionTerms {
  readonly maxPackBytes: number;
  readonly maxClaimsPerQuestion: number;
  readonly maxParallelUploads: number;
  readonly maxParallelReads: number;
  /** Sealed frames are padded: who runs the vault's store may look at their lengths. */
  readonly padFrames: boolean;
  /** Another than before: chunks that this agent may refer to were found damaged since. */
  readonly damage: Buffer;
}

export type PackKindName = 'DATA' | 'NODE';

/** A sealed pack, whole in memory; its frames are sent as they are. */
export interface OutgoingPack {
  readonly packId: Buffer;
  readonly kind: PackKindName;
  readonly frames: readonly Buffer[];
  /** PackFooter, encoded. */
  readonly footer: Buffer;
  /** Bytes of frames and footer. */
  readonly bytes: number;
}

export interface CommitQuestion {
  readonly rootNode: Buffer;
  readonly type: BackupType;
  readonly basePointId: string | undefined;
  readonly counters: Counters;
}

export type CommitAnswer =
  | { readonly kind: 'committed'; readonly pointId: string }
  | { readonly kind: 'missing'; readonly ids: readonly Buffer[] };

/** One sealed frame that holds chunks which were asked for. */
export interface IncomingFrame {
  readonly packId: Buffer;
  readonly kind: PackKindName;
  /** FrameEntry, encoded. */
  readonly entry: Buffer;
  /** nonce ‖ AES-256-GCM under the job's transport key, over the frame key. */
  readonly sealedKey: Buffer;
  readonly domainId: Buffer;
  readonly stored: Buffer;
}

export type ReadAnswer =
  | { readonly kind: 'frame'; readonly frame: IncomingFrame }
  | { readonly kind: 'damaged'; readonly ids: readonly Buffer[]; readonly reason: string };

/** What a restore needs of the data plane. */
export interface ReadTransport {
  openSession(job: JobRef, signal: AbortSignal, onWait: OnWait): Promise<ReadSession>;
}

export type ReadSession = Pick<DataSession, 'readChunks' | 'close'>;

export interface DataSession {
  readonly terms: SessionTerms;
  /** Changes when the gateway had to be given a new session: what it had answered and taken before no longer counts for the commit. */
  readonly generation: number;
  /** Claims, 32 bytes each, concatenated; the answer has one bit per claim, least significant first. */
  hasChunks(claims: Buffer, signal: AbortSignal): Promise<Buffer>;
  /**
   * Resolves to the stored bytes once the pack is durable. Idempotent by pack id. Tells while it goes on how many bytes of the pack were sent; fewer again
   * where some have to come once more.
   */
  uploadPack(pack: OutgoingPack, signal: AbortSignal, sent: (bytes: number) => void): Promise<number>;
  commit(question: CommitQuestion, signal: AbortSignal): Promise<CommitAnswer>;
  /** Frames arrive in the gateway's order; chunks that share a frame come once. */
  readChunks(ids: readonly Buffer[], avoidPacks: readonly Buffer[], signal: AbortSignal): AsyncIterable<ReadAnswer>;
  close(): Promise<void>;
}
