import type { OpenedChunk } from '@holdfast/core/engine';
import type { FetchedFrame } from '../../../platform/gateway-client.js';

/** What opens one dedup domain. Secret: it passes between threads and never into a log, an error or an answer. */
export interface DomainAccess {
  readonly vaultId: string;
  readonly domainId: string;
  readonly privateKey: Uint8Array;
  readonly idKey: Uint8Array;
}

export type ClosedFrame = Pick<FetchedFrame, 'packKind' | 'sessionKey' | 'frame' | 'bytes'>;

export interface FrameKeyQuestion {
  /** WrappedSessionKey, encoded. */
  readonly sessionKey: Uint8Array;
  /** `frameDigest` of the frame. */
  readonly frameDigest: Uint8Array;
}

/** A frame that is stored nowhere. */
export interface CutFrame {
  /** FrameEntry, encoded. */
  readonly frame: Buffer;
  readonly stored: Buffer;
  readonly sealedFrameKey: Buffer;
}

/** For whom something is cut, and what ends the waiting for it. */
export interface CutAsker {
  readonly agentId: string;
  readonly over: AbortSignal;
}

/** Ids of the chunks that are what they claim to be, and of those that are not. */
export interface FrameVerdict {
  readonly good: readonly Buffer[];
  readonly bad: readonly Buffer[];
}

/** Everything that control does with the keys of vaults and the content of frames. */
export interface FrameOpening {
  /** The chunks of a frame, each compared with its id. Throws Integrity or WrongKey. */
  openNodes(access: DomainAccess, frame: ClosedFrame): Promise<OpenedChunk[]>;
  /** For each frame its key, sealed under the transport key, in the order asked; empty where its session key does not open. */
  releaseFrameKeys(
    access: DomainAccess,
    transportKey: Uint8Array,
    questions: readonly FrameKeyQuestion[],
  ): Promise<Buffer[]>;
  /** The frame's chunks of these ids in a frame of their own, its key sealed under the transport key; undefined where the frame does not open. Throws the reason of `over` where that fires before it has begun. */
  cutFrame(
    access: DomainAccess,
    transportKey: Uint8Array,
    frame: ClosedFrame,
    chunkIds: readonly Uint8Array[],
    asker: CutAsker,
  ): Promise<CutFrame | undefined>;
  /** Opens a frame and re-hashes its chunks; a frame that does not open has only bad ones, and one that changed on its way neither good nor bad ones. */
  verifyFrame(access: DomainAccess, frame: ClosedFrame): Promise<FrameVerdict>;
}
