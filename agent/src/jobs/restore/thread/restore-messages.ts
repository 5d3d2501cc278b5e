import type { WireError } from '@holdfast/core/errors';
import type { FolderIdentity } from '../../../workloads/files/folder-set.js';
import type { ReadAnswer } from '../../data-transport.js';
import type { JobProgress, RestoreCommand, RestoreOutcome } from '../../job.js';
import type { KeptNotices } from '../../notices.js';

/** What the thread that talks to the server and a restore's thread say to each other. Copies, but for large frames, which change hands. */

/** Plain values: it crosses to the other thread. */
export interface RestoreSetup {
  readonly command: RestoreCommand;
  readonly restoreRoots: readonly string[] | undefined;
  readonly own: OwnFolders;
  /** In the agent's state: see `RestoreJournals`. */
  readonly journalFolder: string;
}

/** Folders of Holdfast on this host. */
export interface OwnFolders {
  readonly paths: readonly Buffer[];
  readonly folders: readonly FolderIdentity[];
}

/** What it waits for is known where it talks to the server. */
export type RunState = Omit<JobProgress, 'job' | 'waitingFor'>;

export type ToRestore =
  | { readonly kind: 'stop'; readonly reason: string }
  /** What was called for is done: the session is open, or everything of a read has been said. */
  | { readonly kind: 'done'; readonly call: number }
  | { readonly kind: 'failed'; readonly call: number; readonly error: WireError }
  | { readonly kind: 'read'; readonly call: number; readonly answer: ReadAnswer };

export type FromRestore =
  /** One of `restoreRoots` counts as none. */
  | { readonly kind: 'rootIgnored'; readonly root: string; readonly reason: string }
  | { readonly kind: 'open'; readonly call: number }
  | {
      readonly kind: 'read';
      readonly call: number;
      readonly ids: readonly Buffer[];
      readonly avoidPacks: readonly Buffer[];
    }
  /** One answer of a read is not waiting any more. */
  | { readonly kind: 'taken'; readonly call: number }
  /** Nothing more of a read is wanted. */
  | { readonly kind: 'leave'; readonly call: number }
  | { readonly kind: 'progress'; readonly state: RunState }
  | { readonly kind: 'ended'; readonly state: RunState; readonly notices: KeptNotices; readonly end: RestoreEnd };

export type RestoreEnd =
  | { readonly outcome: RestoreOutcome }
  | { readonly error: WireError; readonly stack: string | undefined };
