import type { HoldfastError } from '../../errors/index.js';

/**
 * Where a vault's objects lie. Every adapter keeps these promises, and the contract suite checks them:
 *
 * - An object appears whole or not at all, and under its name only once it is complete.
 * - When `put` or `commit` resolves, the object survives a power cut.
 * - Create-if-absent is atomic: of many writers at once exactly one learns `created: true`.
 * - Every call may be made again after a failure; the outcome is as if it had been made once.
 * - `list` is complete: it names every object that was there before the call and was not deleted.
 * - Names are checked: `isObjectName`. Anything else is Validation, whatever the adapter could do with it.
 * - Failures: NotFound for an absent object, Unavailable (with the reason in words) for a store that
 *   cannot serve, Integrity for an object shorter than a reader was promised.
 *
 * Deleting is a capability of its own, so that code that ingests cannot be handed it by accident.
 */
export interface ObjectStore {
  /** Whoever runs it is somebody else, and may look at what it holds and how long that is. */
  readonly remote: boolean;
  /** Stores all of `content`. Without `ifAbsent` an object of that name is replaced. */
  put(name: string, content: Uint8Array | AsyncIterable<Uint8Array>, options?: PutOptions): Promise<PutResult>;
  /** An object in pieces. Nothing is visible before `commit`. */
  openWriter(name: string, options?: PutOptions): Promise<ObjectWriter>;
  /** The object's bytes, or exactly those of the range. At most 64 MiB in one call. */
  get(name: string, range?: ByteRange): Promise<Buffer>;
  /** Undefined when there is no such object. */
  stat(name: string): Promise<ObjectInfo | undefined>;
  /**
   * Every object whose name starts with `prefix`, in ascending order of names. What cannot be looked at although the store can is told to
   * `unreadable`, and passed over unless that throws; without it, the listing fails.
   */
  list(prefix: string, unreadable?: TellUnreadable): AsyncIterable<ObjectInfo>;
  /** Undefined where the store cannot tell. */
  space(): Promise<StoreSpace | undefined>;
}

/** The object of this name, or all whose names begin with it. */
export type TellUnreadable = (name: string, failure: HoldfastError) => void;

/** Takes objects away. Deleting what is not there succeeds. */
export interface ObjectReaper {
  delete(name: string): Promise<void>;
}

export interface ObjectWriter {
  /** Takes the bytes over before it resolves; the caller may reuse the buffer then. */
  write(bytes: Uint8Array): Promise<void>;
  /** Makes the object durable and visible. Once. */
  commit(): Promise<PutResult>;
  /** Gives the object up and frees its space. Does nothing after `commit` or a second time. */
  abort(): Promise<void>;
}

export interface PutOptions {
  readonly ifAbsent?: boolean;
}

export interface PutResult {
  /** False: an object of that name was there, and stands as it was. */
  readonly created: boolean;
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** Of what the store lies on, with everything else that lies there. */
export interface StoreSpace {
  /** Bytes that may still be written. */
  readonly free: bigint;
  /** Bytes in all. */
  readonly total: bigint;
}

export interface ObjectInfo {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}
