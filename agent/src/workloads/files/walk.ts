/**
 * The walk over a datasource: everything below its roots, in an order that depends on names alone (each
 * directory's entries sorted by their raw bytes, depth first), so that two walks can be compared in lockstep.
 *
 * It holds one descriptor per level and opens everything relative to it without following links, so a directory exchanged
 * while the walk is in it cannot lead it elsewhere. What cannot be read becomes a notice; only a
 * failure of the walk itself throws.
 */
import { setImmediate } from 'node:timers/promises';
import type { Notice } from '../notice.js';
import type { ScannedEntry } from './file-entry.js';
import type { FolderIdentity } from './folder-set.js';
import { compilePathRules } from './path-rules.js';
import { buildRootTree, type FilesDatasource } from './root-tree.js';
import { TreeScanner } from './tree-scanner.js';

export type WalkEvent =
  /** Everything up to the matching leaveDirectory lies in this directory. The first is the virtual root, `/`. */
  | { readonly kind: 'enterDirectory'; readonly entry: ScannedEntry; readonly path: Buffer; readonly unreadable?: true }
  | { readonly kind: 'entry'; readonly entry: ScannedEntry }
  | { readonly kind: 'leaveDirectory'; readonly path: Buffer }
  | { readonly kind: 'notice'; readonly notice: Notice };

export interface WalkOptions {
  /** Directories that are never taken unless they are, or lead to, a root: the agent's state. */
  readonly never: readonly Buffer[];
  /** As `never`, for what has another path, or none, where the walk runs. */
  readonly neverFolders?: readonly FolderIdentity[];
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly signal?: AbortSignal;
  /** Opens and lists the roots and takes nothing of what lies in them. */
  readonly rootsOnly?: boolean;
}

const EVENTS_PER_BATCH = 256;

/** Kernel interfaces and what does not outlive a boot. */
const ALWAYS_NEVER = ['/proc', '/sys', '/run'].map((path) => Buffer.from(path));

export interface WalkBatch {
  readonly events: readonly WalkEvent[];
  /**
   * Lets go of the directories that the walk has left: from now on the content of this batch's entries cannot be opened any
   * more. To be called once per batch, in their order.
   */
  done(): void;
}

/**
 * Yields the walk's events in batches; further ones can be asked for while the content of earlier ones is still being read. Throws
 * `InvalidRootError` and `InvalidPatternError` before anything is read.
 */
export async function* walkFiles(
  datasource: FilesDatasource,
  options: WalkOptions,
): AsyncGenerator<WalkBatch, void, void> {
  const scanner = new TreeScanner({
    roots: buildRootTree(datasource.roots),
    include: datasource.include.length > 0 ? compilePathRules(datasource.include) : undefined,
    exclude: compilePathRules(datasource.exclude),
    oneFileSystem: datasource.oneFileSystem,
    never: [...ALWAYS_NEVER, ...options.never],
    neverFolders: options.neverFolders ?? [],
    now: options.now,
    rootsOnly: options.rootsOnly ?? false,
  });
  let whole = false;
  try {
    let events: WalkEvent[] = [];
    for (const event of scanner.events()) {
      events.push(event);
      if (events.length < EVENTS_PER_BATCH) continue;
      yield { events, done: scanner.leftDirectories() };
      events = [];
      options.signal?.throwIfAborted();
      // A walk over unchanged files is all system calls: let timers and sockets have their turn.
      await setImmediate();
    }
    yield { events, done: scanner.leftDirectories() };
    whole = true;
  } finally {
    if (!whole) scanner.close();
  }
}
