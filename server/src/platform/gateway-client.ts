/** Where a vault's objects lie: the id and a store URL such as `local:/srv/holdfast/vault`. */
export interface VaultStoreRef {
  readonly vaultId: string;
  readonly storeUrl: string;
}

/** One stored frame, unopened, with what its reader needs to open it. */
export interface FetchedFrame {
  readonly packId: string;
  readonly packKind: 'DATA' | 'NODE';
  readonly domainId: string;
  /** WrappedSessionKey (holdfast.vault.v1), encoded. */
  readonly sessionKey: Uint8Array;
  /** FrameEntry (holdfast.vault.v1), encoded. */
  readonly frame: Uint8Array;
  /** The frame's stored bytes, whole. */
  readonly bytes: Uint8Array;
}

export type Fetched =
  | { readonly kind: 'frame'; readonly frame: FetchedFrame }
  /** No readable copy of these chunks (32-byte ids) is left. */
  | { readonly kind: 'damaged'; readonly chunkIds: readonly Uint8Array[]; readonly reason: string };

/** Bytes of the file system that a store lies on; those of `free` may still be written. */
export interface StoreSpace {
  readonly free: bigint;
  readonly total: bigint;
}

/** Whether a vault can be backed up to and restored from now. `reason` is a code such as `INDEX_LOST`. */
export type VaultService =
  | {
      readonly state: 'IN_SERVICE';
      readonly space?: StoreSpace | undefined;
      /** Packs that are missing or damaged and hold something of which the vault has no sound copy; undefined before they were counted. */
      readonly lostPacks?: number | undefined;
    }
  | { readonly state: 'STARTING' }
  | { readonly state: 'OUT_OF_SERVICE'; readonly reason: string; readonly message: string };

/** Which copies of a chunk will do. */
export interface CopyChoice {
  readonly domainId?: string;
  /** Packs whose copy turned out to be something else. */
  readonly avoidPacks?: readonly string[];
}

/**
 * What control asks of the gateway that serves a vault. All calls throw HoldfastErrors;
 * Unavailable when the gateway cannot be reached, Timeout when it does not answer.
 */
export interface GatewayClient {
  /** Create-if-absent of an object that control signed. False: it existed and was left as it is. */
  putObject(vault: VaultStoreRef, name: string, content: Uint8Array, signal?: AbortSignal): Promise<boolean>;
  /** Throws NotFound. */
  getObject(vault: VaultStoreRef, name: string, signal?: AbortSignal): Promise<Buffer>;
  /** Frames that hold these chunks (32-byte ids); several chunks may share a frame. */
  fetchChunks(
    vault: VaultStoreRef,
    chunkIds: readonly Uint8Array[],
    from?: CopyChoice,
    signal?: AbortSignal,
  ): AsyncIterable<Fetched>;
  /** The frames of one pack that begin at these offsets, in their order in the pack. */
  fetchFrames(
    vault: VaultStoreRef,
    packId: string,
    offsets: readonly number[],
    signal?: AbortSignal,
  ): AsyncIterable<Fetched>;
  /** Whether the gateway serves these vaults now, in the order asked. */
  describeVaults(vaults: readonly VaultStoreRef[]): Promise<VaultService[]>;
  /** Ends the agent's sessions and voids its unverified copies. Idempotent. */
  voidAgent(agentId: string): Promise<void>;
  /** Ends the sessions of this job up to this epoch. Idempotent. */
  endSessions(job: { readonly jobId: string; readonly epoch: number }): Promise<void>;
}
