/** Who runs in the race, and what is asked of each. */
import type { FolderTotals } from '../datasets/folder-totals.js';

export type BackupKind = 'first' | 'unchanged' | 'full';

export interface Measurement {
  readonly seconds: number;
  /** User + system, by process. */
  readonly cpu: Readonly<Record<string, number>>;
  /** Peak resident bytes, by process. */
  readonly rss: Readonly<Record<string, number>>;
  /** Bytes that the repository has grown by, as file sizes; absent for a restore. */
  readonly stored?: number;
  /** The same as occupied blocks. */
  readonly allocated?: number;
  /** Share of the machine's CPU time that others used meanwhile. */
  readonly others?: number;
  /** How much of `cpu` came after the job had ended; ours only. */
  readonly cpuAfterwards?: number;
}

/** A repository that knows nothing of any dataset yet. */
export interface Repository {
  /**
   * `first` and `unchanged` are what the contender does by itself with what it knows of `source`; `full` reads every byte
   * again.
   */
  backUp(kind: BackupKind, source: string): Promise<Measurement>;
  /** Restores the newest backup into the empty folder `target`, and answers where in it the root of `source` now lies. */
  restore(source: string, target: string): Promise<Measurement & { root: string }>;
  remove(): Promise<void>;
}

export interface Contender {
  readonly name: string;
  newRepository(): Promise<Repository>;
}

export function growth(before: FolderTotals, after: FolderTotals): { stored: number; allocated: number } {
  return { stored: after.bytes - before.bytes, allocated: after.allocated - before.allocated };
}
