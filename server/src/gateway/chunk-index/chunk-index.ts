import type { FrameEntry, PackFooter, PackKind, VerifiedPack } from '@holdfast/core/engine';

/** One stored copy of a chunk. */
export interface Copy {
  /** Dense number, never used again. */
  readonly number: number;
  /** Number of its pack. */
  readonly pack: number;
  /** Bits of copy-state.ts. */
  readonly state: number;
}

/** How much a copy is worth to whoever looks chunks up: above zero, or it is left out. The same for the same copy during one look-up. */
export type Worth = (copy: Copy) => number;

export type PackState = 'arriving' | 'stored' | 'leaked';

export interface Pack {
  readonly number: number;
  /** UUID. */
  readonly id: string;
  readonly state: PackState;
  readonly kind: PackKind;
  readonly domainId: string;
  readonly uploaderId: string;
  /** Number of the session that uploaded it. */
  readonly session: number;
  readonly storedBytes: number;
  readonly firstCopy: number;
  readonly copies: number;
  readonly checked: boolean;
  /** WrappedSessionKey, encoded. */
  readonly sessionKey: Buffer;
}

export interface SuspectPack {
  readonly pack: Pack;
  /** Another one after each copy of the pack that was found damaged or gone. */
  readonly mark: Buffer;
}

/** A frame, without its nodes' edges. */
export interface StoredFrame {
  readonly pack: number;
  readonly firstCopy: number;
  readonly offset: number;
  readonly storedLength: number;
  readonly plainLength: number;
  readonly codec: number;
  readonly storedCheck: Buffer;
  /** Under `ChunkIndex.checkKey`, of the bytes that came. */
  readonly ownCheck: Buffer;
  /** Concatenated 32-byte ids. */
  readonly chunkIds: Buffer;
  /** Plaintext lengths, u32le each. */
  readonly chunkLengths: Buffer;
}

export type SessionState = 'open' | 'committed' | 'ended' | 'interrupted';

export interface NewSession {
  /** UUIDs. */
  readonly id: string;
  readonly agentId: string;
  readonly jobId: string;
  readonly epoch: number;
  readonly kind: 'backup' | 'restore';
  readonly itemId: string;
  readonly domainId: string;
  readonly openedAtMs: number;
}

export type PointState = 'prepared' | 'stored' | 'recorded';

export interface Point {
  readonly id: string;
  readonly jobId: string;
  readonly root: Buffer;
  /** SignedObject, encoded. */
  readonly signed: Buffer;
  readonly state: PointState;
}

/**
 * Where every chunk of one vault lies, who uploaded it and what is known of it; and the sessions,
 * packs and points under way. Every change but two is durable when its method returns. Calls are
 * synchronous: an index belongs to one thread.
 */
/** What a footer says, and the check of each frame under `ChunkIndex.checkKey`. */
export type PackContent = Pick<VerifiedPack, 'footer' | 'ownChecks'>;

export interface ChunkIndex {
  /** A secret, 32 bytes: whoever writes to the store cannot make other bytes fit checks under it. */
  readonly checkKey: Buffer;
  /** Nothing was ever recorded: for a store that holds packs, the index is lost. */
  isNew(): boolean;
  /** Reads what chunks are found by, which takes seconds where there are millions. Otherwise the first look-up does. */
  readEntries(): void;

  /** Durable before the first byte of the session is stored. Returns the session's number. */
  recordSession(session: NewSession): number;
  setSessionState(session: number, state: SessionState): void;
  /** Sessions that a previous process left open; they become interrupted. Returns how many. */
  interruptOpenSessions(): number;

  /**
   * Returns the pack's number. A pack of the same uploader, or a leaked one, starts anew; throws Conflict
   * when the pack id is known in any other way. Outlives the process, but not a power cut: then a file
   * of the pack is found without rows, as a leaked one.
   */
  recordArrivingPack(pack: {
    id: string;
    kind: PackKind;
    domainId: string;
    uploaderId: string;
    session: number;
  }): number;
  /** The pack's file is durable: its frames with their own checks, copies and edges, in one transaction. */
  recordStoredPack(pack: number, content: PackContent, storedBytes: number): Pack;
  /** An arriving pack whose file is known not to exist. */
  forgetArrivingPack(pack: number): void;
  /** Pack files that no rows stand for. Idempotent. */
  recordLeakedPacks(ids: readonly string[]): void;
  findPack(id: string): Pack | undefined;
  packByNumber(number: number): Pack;
  /** Ids of all packs of this state. */
  packIds(state: PackState): string[];
  /** Stored packs whose footer stands in no index object yet, in order. */
  unindexedPacks(limit: number): Pack[];
  /**
   * Stored packs of committed jobs on which control has given no verdict, data before nodes; of domains that several agents back up
   * to, for in others nobody waits for a verdict. Those that come after this one, if any.
   */
  uncheckedPacks(limit: number, after?: Pack): Pack[];
  markIndexed(packs: readonly number[], indexNumber: number): void;
  markChecked(pack: number): void;
  nextIndexNumber(): number;
  skipIndexNumbersTo(next: number): void;

  /**
   * The copies of each of these concatenated ids, in the order asked, each oldest first. At most 16 of each: those that are worth
   * most, and of equals the oldest. Somebody may have stored any number.
   */
  lookup(ids: Buffer, worth?: Worth): Copy[][];
  chunkIdOf(copy: number): Buffer;
  frameOf(copy: number): StoredFrame;
  framesOf(pack: Pack): StoredFrame[];
  /** Concatenated ids; empty for data and for a node without edges. */
  edgesOf(copy: number): Buffer;
  currentState(copy: number): number;
  /** Sets and clears bits of these copies in one transaction. What turns out bad, suspect or unfit is damage. */
  changeState(copies: readonly number[], change: { set?: number; clear?: number }): void;
  /** Stored packs with suspect copies, in the order of their numbers, after this one. */
  suspectPacks(after: number, limit: number): SuspectPack[];
  suspectPack(pack: number): SuspectPack | undefined;
  /**
   * The stored bytes of these copies, read since `suspect` was asked for, are all what came: they are suspect no more, and the pack neither once none of
   * its copies is. False, and nothing changes, where something in the pack was found damaged or gone meanwhile.
   */
  clearSuspect(suspect: SuspectPack, copies: readonly number[]): boolean;
  /** The frame's entry exactly as its footer has it. */
  frameEntry(frame: StoredFrame, kind: PackKind): FrameEntry;
  /** The pack's footer exactly as it was stored. */
  footerOf(pack: Pack): PackFooter;

  /** Another value than before once a copy that the agent may have relied on has become damage. */
  damageKnownTo(agentId: string): Buffer;

  /** Copies that count for nothing new of this agent. Outlives the process, but not a power cut. */
  doubt(agentId: string, copies: readonly number[]): void;
  doubtsOf(agentId: string): ReadonlySet<number>;

  isVoided(agentId: string): boolean;
  voidAgent(agentId: string): void;

  savePoint(point: Omit<Point, 'state'>): Point;
  findPoint(jobId: string, root: Buffer): Point | undefined;
  pointById(id: string): Point | undefined;
  setPointState(id: string, state: PointState): void;
  close(): void;
}
