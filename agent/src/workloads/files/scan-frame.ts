import type { FileStatus } from '../../platform/file-status.js';
import type { CachedDirectory } from './change-cache-reader.js';
import type { ChangeStamp, ScannedDirectory, ScannedEntry } from './file-entry.js';
import type { RuleState } from './path-rules.js';
import type { RootNode } from './root-tree.js';
import type { SeenUnchanged } from './walk.js';

/** What was seen in a directory that may turn out unchanged, and is described only if it does not. */
export interface Held {
  readonly name: Buffer;
  readonly status: FileStatus;
  readonly stamp: ChangeStamp;
  /** Of a file: what the cache has to refer to its content. */
  readonly reference?: Buffer;
  /** Of a directory in which nothing has changed. */
  readonly cached?: CachedDirectory;
}

/** A directory that the scanner is in. */
export interface Frame {
  readonly name: Buffer;
  readonly directory: ScannedDirectory;
  readonly parent: Frame | undefined;
  readonly status: FileStatus | undefined;
  /** As of the status: later, it would seem to have settled. */
  readonly stamp: ChangeStamp | undefined;
  /** Absent while nobody needs it. */
  entry: ScannedEntry | undefined;
  /** So far everything is as the cache knows it, and held. Such a directory is not announced. */
  unchanged: boolean;
  held: Held[];
  seen: SeenUnchanged;
  readonly names: readonly string[];
  next: number;
  /** Under an include rule a directory is announced only once something in it is taken. */
  announced: boolean;
  readonly unreadable: boolean;
  readonly roots: RootNode | undefined;
  /** At or below a root, not only on the way to one. */
  readonly inRoot: boolean;
  /** Taken whole, by an include rule or for want of any. */
  readonly included: boolean;
  readonly include: RuleState;
  readonly exclude: RuleState;
  readonly dev: number;
}
