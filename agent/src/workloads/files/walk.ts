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
import type { CachedDirectory, ChangeCacheCursor } from './change-cache-reader.js';
import type { ScannedEntry } from './file-entry.js';
import type { FolderIdentity } from './folder-set.js';
import { compilePathRules } from './path-rules.js';
import { buildRootTree, type FilesDatasource } from './root-tree.js';
import { TreeScanner } from './tree-scanner.js';

export type WalkEvent =
  /** Everything up to the matching leaveDirectory lies in this directory. The first is the virtual root, `/`. */
  | { readonly kind: 'enterDirectory'; readonly entry: ScannedEntry; readonly path: Buffer; readonly unreadable?: true }
  | {
      readonly kind: 'entry';
      readonly entry: ScannedEntry;
      /** Of a file that is as the cache knows it: what the cache has to refer to its content. */
      readonly known?: Buffer;
    }
  /** A directory with everything below it in which nothing has changed, in place of its other events. */
  | { readonly kind: 'unchangedDirectory'; readonly entry: ScannedEntry; readonly cached: CachedDirectory }
  /** So much was seen in an unchanged directory itself; those in it tell for themselves. */
  | ({ readonly kind: 'unchanged' } & SeenUnchanged)
  | { readonly kind: 'leaveDirectory'; readonly path: Buffer }
  | { readonly kind: 'notice'; readonly notice: Notice };

export interface SeenUnchanged {
  readonly entries: number;
  readonly files: number;
  readonly bytes: number;
}

/** What the last backup saw, and may be relied on. */
export interface KnownTree {
  /** Stands at its beginning; the walk goes through it. */
  readonly cursor: ChangeCacheCursor;
  /** Whether what this reference stands for may be referred to again. */
  usable(reference: Buffer): boolean;
}

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
  /** Compared with: what has not changed is told as such. */
  readonly known?: KnownTree | undefined;
  /** Entries of unchanged directories that the walk is in, kept to itself: beyond, those count as changed. */
  readonly mostHeld?: number;
}

/** Some 20 MB. */
const MOST_HELD = 65_536;
const EVENTS_PER_BATCH = 256;
/** Without an event: a walk over unchanged files is all system calls, and timers and sockets have their turn in between. */
const NAMES_PER_BATCH = 1024;

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
    known: options.known,
    mostHeld: options.mostHeld ?? MOST_HELD,
  });
  let whole = false;
  try {
    let events: WalkEvent[] = [];
    let names = 0;
    while (scanner.step(events)) {
      names += 1;
      if (events.length < EVENTS_PER_BATCH && names < NAMES_PER_BATCH) continue;
      yield { events, done: scanner.leftDirectories() };
      events = [];
      names = 0;
      options.signal?.throwIfAborted();
      await setImmediate();
    }
    yield { events, done: scanner.leftDirectories() };
    whole = true;
  } finally {
    if (!whole) scanner.close();
  }
}
