import fs from 'node:fs';
import { MAX_TREE_DEPTH } from '@holdfast/core/engine';
import type { FileStatus } from '../../platform/file-status.js';
import { statAt, statFd } from '../../platform/file-status.js';
import { readNames } from '../../platform/names.js';
import { O_PATH, openAt } from '../../platform/open-file.js';
import { AT_FDCWD } from '../../platform/posix.js';
import { reasonOf } from '../../platform/posix-error.js';
import { type CacheRecord, NO_STAMP } from './change-cache-format.js';
import { isUnchanged } from './change-cache-reader.js';
import { type ChangeStamp, joinPath, type ScannedDirectory, type ScannedEntry, SLASH } from './file-entry.js';
import { type FolderIdentity, FolderSet } from './folder-set.js';
import type { PathRules, RuleState } from './path-rules.js';
import type { RootNode } from './root-tree.js';
import { openQuietly, stampOf } from './scan-entry.js';
import type { Frame } from './scan-frame.js';
import { isGone, passOnExhaustion, pathOf, ScanTelling } from './scan-telling.js';
import type { KnownTree, SeenUnchanged, WalkEvent } from './walk.js';

export interface ScannerSettings {
  readonly roots: RootNode;
  readonly include: PathRules | undefined;
  readonly exclude: PathRules;
  readonly oneFileSystem: boolean;
  readonly never: readonly Buffer[];
  readonly neverFolders: readonly FolderIdentity[];
  readonly now: () => number;
  readonly rootsOnly: boolean;
  readonly known: KnownTree | undefined;
  readonly mostHeld: number;
}

/** A directory as it is met. */
type Opened = Pick<Frame, 'name' | 'directory'> & Partial<Pick<Frame, 'status' | 'entry'>>;

/** What the rules say about one name. */
interface Choice {
  readonly taken: boolean;
  readonly included: boolean;
  readonly canMatchBelow: boolean;
  readonly include: RuleState;
  readonly exclude: RuleState;
}

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;
const NO_RULES: RuleState = [];
const NO_DIRECTORY = 'no directory leads to it';
const NOTHING_SEEN: SeenUnchanged = { entries: 0, files: 0, bytes: 0 };

export class TreeScanner {
  private readonly stack: Frame[] = [];
  /** Every descriptor that is not closed yet. */
  private readonly open = new Set<number>();
  private readonly never: FolderSet;
  private readonly telling: ScanTelling;
  private begun = false;

  constructor(private readonly settings: ScannerSettings) {
    this.telling = new ScanTelling(this.stack, settings.mostHeld);
    this.never = new FolderSet(settings.never, settings.neverFolders);
  }

  /** Looks at one name more, and adds what there is to tell. False at the end. */
  step(events: WalkEvent[]): boolean {
    if (this.telling.goOn(events)) return true;
    if (!this.begun) {
      this.begun = true;
      this.enterTop();
      return true;
    }
    const frame = this.stack.at(-1);
    if (!frame) return false;
    const name = frame.names[frame.next++];
    if (name === undefined) this.leave(frame);
    else this.visit(frame, Buffer.from(name, 'latin1'), frame.roots?.children.get(name));
    return true;
  }

  /** Directories stay open after their end, for the entries that the consumer still holds: closes those left since the last call. */
  leftDirectories(): () => void {
    const left = this.telling.takeLeft();
    return () => {
      for (const fd of left) this.closeDirectory(fd);
    };
  }

  close(): void {
    for (const fd of [...this.open]) this.closeDirectory(fd);
  }

  private closeDirectory(fd: number): void {
    if (this.open.delete(fd)) fs.closeSync(fd);
  }

  private enterTop(): void {
    const { roots, include, exclude } = this.settings;
    const flags = roots.isRoot ? O_RDONLY : O_PATH;
    const fd = openAt(AT_FDCWD, SLASH, flags | O_DIRECTORY);
    const directory = { path: SLASH, fd };
    const choice: Choice = {
      taken: true,
      included: !include,
      canMatchBelow: true,
      include: include?.start ?? NO_RULES,
      exclude: exclude.start,
    };
    const status = statFd(fd);
    const name = Buffer.alloc(0);
    const entry = roots.isRoot
      ? this.telling.entryOf('directory', status, stampOf(status, this.settings.now()), name, undefined, fd, SLASH)
      : leadingEntry(name, undefined);
    this.push({ name, directory, status, entry }, choice, roots, roots.isRoot, status.dev);
  }

  private visit(parent: Frame, name: Buffer, root: RootNode | undefined): void {
    if (root?.isRoot) {
      this.visitRoot(parent, name, root);
      return;
    }
    if (!parent.inRoot) {
      if (root) this.lead(parent, name, root);
      return;
    }
    const status = this.status(parent, name);
    if (!status) return;
    const isDirectory = status.type === 'directory';
    const choice = this.choose(parent, name, isDirectory);
    if (choice.taken && !(isDirectory && this.never.has(status))) {
      this.take(parent, name, status, choice, root);
    } else if (root && isDirectory) {
      this.lead(parent, name, root);
    }
    if (root && !isDirectory) this.missRootsBelow(root, pathOf(parent, name), 'vanished', NO_DIRECTORY);
  }

  /** A root that was named is taken whatever the rules say about its own name. */
  private visitRoot(parent: Frame, name: Buffer, root: RootNode): void {
    const status = this.status(parent, name);
    if (!status) return;
    const path = pathOf(parent, name);
    if (status.type === 'symlink') {
      this.telling.notice(
        'unreadable',
        path,
        'the root is a symbolic link; the link is stored and not what it points to',
      );
    }
    const choice = { ...this.choose(parent, name, status.type === 'directory'), taken: true, canMatchBelow: true };
    this.take(parent, name, status, choice, root, true);
    if (status.type !== 'directory') this.missRootsBelow(root, path, 'vanished', NO_DIRECTORY);
  }

  private take(
    parent: Frame,
    name: Buffer,
    status: FileStatus,
    choice: Choice,
    root: RootNode | undefined,
    isRoot = false,
  ): void {
    if (status.type === 'directory') {
      this.enter(parent, name, status, choice, root, isRoot);
    } else if (choice.included || isRoot) {
      this.takeEntry(parent, name, status);
    }
  }

  private takeEntry(parent: Frame, name: Buffer, status: FileStatus): void {
    const stamp = stampOf(status, this.settings.now());
    const cached = this.unchangedEntry(name, status, stamp);
    // A copy: it would keep the block of the cache in memory.
    const reference = status.type === 'file' && cached ? Buffer.from(cached.reference) : undefined;
    // The group of an entry with several links may change without it.
    if (
      cached &&
      status.nlink < 2 &&
      this.telling.hold(parent, { name, status, stamp, ...(reference && { reference }) })
    )
      return;
    this.telling.differs(parent);
    const entry = this.telling.describe(status, stamp, name, parent);
    if (!entry) return;
    this.telling.announce();
    this.telling.tell({ kind: 'entry', entry, ...(reference && { known: reference }) });
  }

  private unchangedEntry(name: Buffer, status: FileStatus, stamp: ChangeStamp): CacheRecord | undefined {
    const { known } = this.settings;
    const cached = known?.cursor.find(name);
    if (!known || !cached || (cached.kind === 'file') !== (status.type === 'file')) return undefined;
    if (!isUnchanged(cached, stamp)) return undefined;
    return cached.kind === 'other' || known.usable(cached.reference) ? cached : undefined;
  }

  private enter(
    parent: Frame,
    name: Buffer,
    seen: FileStatus,
    choice: Choice,
    root: RootNode | undefined,
    isRoot: boolean,
  ): void {
    if (!choice.included && !choice.canMatchBelow && !root) return;
    const path = pathOf(parent, name);
    let fd = -1;
    let status = seen;
    try {
      fd = openQuietly(parent.directory.fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      status = statFd(fd);
    } catch (error) {
      if (!this.telling.failed(error, path)) return;
    }
    const dev = isRoot ? status.dev : parent.dev;
    const otherFileSystem = this.settings.oneFileSystem && status.dev !== dev;
    this.push({ name, directory: { path, fd }, status }, choice, root, true, dev, isRoot, otherFileSystem);
  }

  /** A directory that only leads to roots; links on the way are followed, as whoever named the root saw it. */
  private lead(parent: Frame, name: Buffer, root: RootNode): void {
    const path = pathOf(parent, name);
    let fd: number;
    try {
      fd = openAt(parent.directory.fd, name, O_PATH | O_DIRECTORY);
    } catch (error) {
      passOnExhaustion(error);
      this.missRootsBelow(root, path, isGone(error) ? 'vanished' : 'unreadable', reasonOf(error));
      return;
    }
    const choice = { ...this.choose(parent, name, true), taken: true };
    const entry = leadingEntry(name, parent.directory);
    this.push({ name, directory: { path, fd }, entry }, choice, root, false, statFd(fd).dev);
  }

  private push(
    { name, directory, status, entry }: Opened,
    choice: Choice,
    roots: RootNode | undefined,
    inRoot: boolean,
    dev: number,
    isRoot = inRoot && directory.path === SLASH,
    doNotList = false,
  ): void {
    const parent = this.stack.at(-1);
    const cached = parent && this.settings.known?.cursor.enterDirectory(name);
    const stamp = status && stampOf(status, this.settings.now());
    const { names, unreadable } = doNotList ? { names: [], unreadable: false } : this.list(directory, roots, inRoot);
    const { included, include, exclude } = choice;
    const isKnown = cached !== undefined && stamp !== undefined && !unreadable && included && !roots?.children.size;
    if (parent && !(isKnown && isUnchanged(cached, stamp))) this.telling.differs(parent);
    if (directory.fd >= 0) this.open.add(directory.fd);
    this.stack.push({
      name,
      directory,
      parent,
      status,
      stamp,
      entry,
      unchanged: isKnown,
      held: [],
      seen: NOTHING_SEEN,
      names,
      next: 0,
      announced: false,
      unreadable,
      roots,
      inRoot,
      included,
      include,
      exclude,
      dev,
    });
    if (!isKnown && (included || isRoot || directory.path === SLASH)) this.telling.announce();
  }

  private list(
    directory: ScannedDirectory,
    roots: RootNode | undefined,
    inRoot: boolean,
  ): { names: string[]; unreadable: boolean } {
    const names = new Set(roots?.children.keys());
    let unreadable = directory.fd < 0;
    if (this.stack.length >= MAX_TREE_DEPTH) {
      this.telling.notice('unreadable', directory.path, `it lies more than ${MAX_TREE_DEPTH} levels deep`);
      return { names: [], unreadable: true };
    }
    if (inRoot && !unreadable) {
      try {
        const listed = readNames(directory.fd);
        if (!this.settings.rootsOnly) for (const name of listed) names.add(name);
      } catch (error) {
        passOnExhaustion(error);
        unreadable = true;
        this.telling.notice('unreadable', directory.path, reasonOf(error));
      }
    }
    if (directory.fd < 0) names.clear();
    return { names: [...names].sort(byBytes), unreadable };
  }

  private leave(frame: Frame): void {
    const { known } = this.settings;
    const cached = frame.parent && known?.cursor.leaveDirectory();
    const isSame = frame.unchanged && cached?.whole && cached.reference.length > 0 && known?.usable(cached.reference);
    if (!isSame) this.telling.differs(frame);
    this.stack.pop();
    if (frame.announced) {
      this.telling.leave(frame);
      return;
    }
    this.closeDirectory(frame.directory.fd);
    if (isSame) this.telling.leaveUnchanged(frame, cached);
  }

  private choose(parent: Frame, name: Buffer, isDirectory: boolean): Choice {
    const excluded = this.settings.exclude.advance(parent.exclude, name, isDirectory);
    const included = parent.included ? undefined : this.settings.include?.advance(parent.include, name, isDirectory);
    return {
      taken: !excluded.matches,
      included: included ? included.matches : parent.included,
      canMatchBelow: included?.canMatchBelow ?? true,
      include: included?.state ?? NO_RULES,
      exclude: excluded.state,
    };
  }

  private status(parent: Frame, name: Buffer): FileStatus | undefined {
    try {
      return statAt(parent.directory.fd, name);
    } catch (error) {
      this.telling.failed(error, pathOf(parent, name));
      return undefined;
    }
  }

  private missRootsBelow(node: RootNode, path: Buffer, kind: 'vanished' | 'unreadable', message: string): void {
    for (const [name, child] of node.children) {
      const below = joinPath(path, Buffer.from(name, 'latin1'));
      if (child.isRoot) this.telling.notice(kind, below, message);
      this.missRootsBelow(child, below, kind, message);
    }
  }
}

function leadingEntry(name: Buffer, parent: ScannedDirectory | undefined): ScannedEntry {
  return {
    name,
    type: 'directory',
    mode: 0o755,
    uid: 0,
    gid: 0,
    mtimeNs: 0n,
    xattrs: [],
    size: 0,
    leadsToRoot: true,
    stamp: NO_STAMP,
    parent,
  };
}

function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
