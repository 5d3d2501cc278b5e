import type { Context } from '../../platform/context.js';
import type { VaultStoreRef } from '../../platform/gateway-client.js';
import type { BackupType, JobCounters, JobRef } from './domain/job.js';

export interface FrameKeyQuestion {
  readonly domainId: string;
  /** WrappedSessionKey (holdfast.vault.v1), encoded. */
  readonly sessionKey: Uint8Array;
  /** SHA-256 of what the frame's key depends on; 32 bytes. */
  readonly frameDigest: Uint8Array;
}

export interface FrameToCut {
  readonly domainId: string;
  readonly packKind: 'DATA' | 'NODE';
  /** WrappedSessionKey (holdfast.vault.v1), encoded. */
  readonly sessionKey: Uint8Array;
  /** FrameEntry (holdfast.vault.v1), encoded. */
  readonly frame: Uint8Array;
  /** The frame's stored bytes. */
  readonly bytes: Uint8Array;
  readonly chunkIds: readonly Uint8Array[];
}

/** What a gateway may ask of control beside who may open a session; the use cases of the features that own points and keys. */
export interface CoordinationUseCases {
  preparePoint(
    ctx: Context,
    input: {
      readonly agentId: string;
      readonly job: JobRef;
      readonly rootNode: Uint8Array;
      readonly type: BackupType;
      readonly basePointId?: string;
      readonly counters: JobCounters;
    },
  ): Promise<{ readonly pointId: string; readonly signedPoint: Uint8Array }>;
  recordPoint(
    ctx: Context,
    input: {
      readonly agentId: string;
      readonly job: JobRef;
      readonly pointId: string;
      readonly signedPoint: Uint8Array;
    },
  ): Promise<void>;
  releaseFrameKeys(
    ctx: Context,
    input: { readonly job: JobRef; readonly frames: readonly FrameKeyQuestion[] },
  ): Promise<readonly Uint8Array[]>;
  /** `over` fires when nobody waits for it any more. */
  cutFrame(
    ctx: Context,
    input: { readonly job: JobRef; readonly frame: FrameToCut; readonly over: AbortSignal },
  ): Promise<
    { readonly frame: Uint8Array; readonly stored: Uint8Array; readonly sealedFrameKey: Uint8Array } | undefined
  >;
  verifyFrames(
    ctx: Context,
    input: { readonly vaultId: string; readonly packId: string; readonly offsets: readonly number[] },
  ): Promise<{ readonly good: readonly Uint8Array[]; readonly bad: readonly Uint8Array[] }>;
  listVaultStores(ctx: Context): Promise<readonly VaultStoreRef[]>;
  reconcilePoints(
    ctx: Context,
    input: {
      readonly vaultId: string;
      readonly points: readonly { readonly signedPoint: Uint8Array; readonly complete: boolean }[];
    },
  ): Promise<{ readonly adopted: readonly string[]; readonly quarantined: readonly string[] }>;
}
