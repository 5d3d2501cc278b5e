import fs from 'node:fs';
import { MAX_TREE_DEPTH } from '@holdfast/core/engine';
import type { FileStatus } from '../../platform/file-status.js';
import { statAt, statFd } from '../../platform/file-status.js';
import { readNames } from '../../platform/names.js';
import { O_PATH, openAt } from '../../platform/open-file.js';
import { AT_FDCWD } from '../../platform/posix.js';
import { errorCode, isExhaustion, reasonOf } from '../../platform/posix-error.js';
import type { XattrTarget } from '../../platform/xattrs.js';
import { type CacheRecord, NO_STAMP } from './change-cache-format.js';
import { type CachedDirectory, isUnchanged } from './change-cache-reader.js';
import {
  type ChangeStamp,
  type EntryType,
  joinPath,
  type ScannedDirectory,
  type ScannedEntry,
  SLASH,
} from './file-entry.js';
import { type FolderIdentity, FolderSet } from './folder-set.js';
import { HardLinkGroups } from './hard-link-groups.js';
import type { PathRules, RuleState } from './path-rules.js';
import type { RootNode } from './root-tree.js';
import { openQuietly, readXattrs, stampOf, typeFields } from './scan-entry.js';
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

/** What was seen in a directory that may turn out unchanged, and is described only if it does not. */
interface Held {
  readonly name: Buffer;
  readonly status: FileStatus;
  readonly stamp: ChangeStamp;
  /** Of a file: what the cache has to refer to its content. */
  readonly reference?: Buffer;
  /** Of a directory in which nothing has changed. */
  readonly cached?: CachedDirectory;
}

/** Held in this directory; or, without anything held, its end. */
interface HeldIn {
  readonly frame: Frame;
  readonly held?: Held;
}

/** A directory that the scanner is in. */
interface Frame {
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
const DESCRIBED_PER_STEP = 256;

export class TreeScanner {
  private readonly stack: Frame[] = [];
  /** Every descriptor that is not closed yet. */
  private readonly open = new Set<number>();
  private left: number[] = [];
  private readonly hardLinks = new HardLinkGroups();
  private readonly never: FolderSet;
  private events: WalkEvent[] = [];
  /** To be told next; what was held is described only then. */
  private waiting: (WalkEvent | HeldIn)[] = [];
  private heldCount = 0;
  private begun = false;

  constructor(private readonly settings: ScannerSettings) {
    this.never = new FolderSet(settings.never, settings.neverFolders);
  }

  /** Looks at one name more, and adds what there is to tell. False at the end. */
  step(events: WalkEvent[]): boolean {
    this.events = events;
    if (!this.begun) {
      this.begun = true;
      this.enterTop();
      return true;
    }
    if (this.waiting.length > 0) {
      this.tellWaiting();
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
    const { left } = this;
    this.left = [];
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
      ? this.entryOf('directory', status, stampOf(status, this.settings.now()), name, undefined, fd, SLASH)
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
      this.notice('unreadable', path, 'the root is a symbolic link; the link is stored and not what it points to');
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
    if (cached && status.nlink < 2 && this.hold(parent, { name, status, stamp, ...(reference && { reference }) }))
      return;
    this.differs(parent);
    const entry = this.describe(status, stamp, name, parent);
    if (!entry) return;
    this.announce();
    this.tell({ kind: 'entry', entry, ...(reference && { known: reference }) });
  }

  private unchangedEntry(name: Buffer, status: FileStatus, stamp: ChangeStamp): CacheRecord | undefined {
    const { known } = this.settings;
    const cached = known?.cursor.find(name);
    if (!known || !cached || (cached.kind === 'file') !== (status.type === 'file')) return undefined;
    if (!isUnchanged(cached, stamp)) return undefined;
    return cached.kind === 'other' || known.usable(cached.reference) ? cached : undefined;
  }

  /** False if it is to be told instead. */
  private hold(frame: Frame, held: Held): boolean {
    if (!frame.unchanged || this.heldCount >= this.settings.mostHeld) return false;
    frame.held.push(held);
    this.heldCount += 1;
    const { entries, files, bytes } = frame.seen;
    const isFile = held.status.type === 'file';
    frame.seen = {
      entries: entries + 1,
      files: files + (isFile ? 1 : 0),
      bytes: bytes + (isFile ? held.status.size : 0),
    };
    return true;
  }

  /** Something in this directory is not as the cache knows it: it is told entry by entry, and so is everything that it lies in. */
  private differs(frame: Frame): void {
    if (frame.unchanged) this.announce();
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
      if (!this.failed(error, path)) return;
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
    if (parent && !(isKnown && isUnchanged(cached, stamp))) this.differs(parent);
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
    if (!isKnown && (included || isRoot || directory.path === SLASH)) this.announce();
  }

  private list(
    directory: ScannedDirectory,
    roots: RootNode | undefined,
    inRoot: boolean,
  ): { names: string[]; unreadable: boolean } {
    const names = new Set(roots?.children.keys());
    let unreadable = directory.fd < 0;
    if (this.stack.length >= MAX_TREE_DEPTH) {
      this.notice('unreadable', directory.path, `it lies more than ${MAX_TREE_DEPTH} levels deep`);
      return { names: [], unreadable: true };
    }
    if (inRoot && !unreadable) {
      try {
        const listed = readNames(directory.fd);
        if (!this.settings.rootsOnly) for (const name of listed) names.add(name);
      } catch (error) {
        passOnExhaustion(error);
        unreadable = true;
        this.notice('unreadable', directory.path, reasonOf(error));
      }
    }
    if (directory.fd < 0) names.clear();
    return { names: [...names].sort(byBytes), unreadable };
  }

  private leave(frame: Frame): void {
    const { known } = this.settings;
    const cached = frame.parent && known?.cursor.leaveDirectory();
    const isSame = frame.unchanged && cached?.whole && cached.reference.length > 0 && known?.usable(cached.reference);
    if (!isSame) this.differs(frame);
    this.stack.pop();
    if (frame.announced) {
      this.waiting.push({ frame });
      return;
    }
    this.closeDirectory(frame.directory.fd);
    if (isSame) this.leaveUnchanged(frame, cached);
  }

  private leaveUnchanged({ parent, name, status, stamp, seen, held }: Frame, cached: CachedDirectory): void {
    if (!parent || !status || !stamp) throw new TypeError('a directory without a status cannot be compared');
    this.heldCount -= held.length;
    this.tell({ kind: 'unchanged', ...seen });
    const whole = { name, status, stamp, cached };
    if (this.hold(parent, whole)) return;
    this.announce();
    this.waiting.push({ frame: parent, held: whole });
  }

  /** Announces every directory that the scanner is in and has kept to itself, with what was held in it. */
  private announce(): void {
    let from = this.stack.length;
    while (from > 0 && !this.stack[from - 1]?.announced) from--;
    for (const frame of this.stack.slice(from)) {
      frame.announced = true;
      frame.unchanged = false;
      const { directory, unreadable, parent, name, status, stamp } = frame;
      const target = directory.fd >= 0 || !parent ? directory.fd : { dirFd: parent.directory.fd, name };
      frame.entry ??= status && stamp && this.entryOf('directory', status, stamp, name, parent, target, directory.path);
      if (!frame.entry) throw new TypeError('a directory without a status');
      const event = { kind: 'enterDirectory', entry: frame.entry, path: directory.path } as const;
      this.tell(unreadable ? { ...event, unreadable } : event);
      for (const held of frame.held) this.waiting.push({ frame, held });
      this.heldCount -= frame.held.length;
      frame.held = [];
    }
  }

  private tell(event: WalkEvent): void {
    (this.waiting.length > 0 ? this.waiting : this.events).push(event);
  }

  private tellWaiting(): void {
    const next = this.waiting;
    // What describing it tells, such as notices, comes before what still waits.
    this.waiting = [];
    for (const item of next.splice(0, DESCRIBED_PER_STEP)) {
      if ('kind' in item) this.events.push(item);
      else if (item.held) this.tellHeld(item.frame, item.held);
      else this.tellEnd(item.frame.directory);
    }
    this.waiting = next;
  }

  /** From now on nothing is told that would need the directory's descriptor. */
  private tellEnd({ path, fd }: ScannedDirectory): void {
    this.events.push({ kind: 'leaveDirectory', path });
    if (fd >= 0) this.left.push(fd);
  }

  private tellHeld(frame: Frame, { name, status, stamp, reference, cached }: Held): void {
    if (cached) {
      const target = { dirFd: frame.directory.fd, name };
      const entry = this.entryOf('directory', status, stamp, name, frame, target, pathOf(frame, name));
      this.tell({ kind: 'unchangedDirectory', entry, cached });
      return;
    }
    const entry = this.describe(status, stamp, name, frame);
    if (entry) this.tell({ kind: 'entry', entry, ...(reference && { known: reference }) });
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
      this.failed(error, pathOf(parent, name));
      return undefined;
    }
  }

  private describe(status: FileStatus, stamp: ChangeStamp, name: Buffer, parent: Frame): ScannedEntry | undefined {
    const { type } = status;
    const path = pathOf(parent, name);
    if (type === 'unknown' || !Number.isSafeInteger(status.size)) {
      this.notice('unreadable', path, type === 'unknown' ? 'its type is not known' : 'it is too large');
      return undefined;
    }
    try {
      const hardLinkGroup = this.hardLinks.groupOf(status, path);
      return {
        ...this.entryOf(type, status, stamp, name, parent, { dirFd: parent.directory.fd, name }, path),
        ...(hardLinkGroup ? { hardLinkGroup } : {}),
      };
    } catch (error) {
      this.failed(error, path);
      return undefined;
    }
  }

  private entryOf(
    type: EntryType,
    status: FileStatus,
    stamp: ChangeStamp,
    name: Buffer,
    parent: Frame | undefined,
    xattrTarget: XattrTarget,
    path: Buffer,
  ): ScannedEntry {
    const { mode, uid, gid, mtimeNs } = status;
    return {
      name,
      type,
      mode,
      uid,
      gid,
      mtimeNs,
      xattrs: readXattrs(xattrTarget, (error) => {
        this.notice('unreadable', path, `an extended attribute could not be read: ${reasonOf(error)}`);
      }),
      ...typeFields(type, status, parent?.directory.fd ?? AT_FDCWD, name),
      stamp,
      parent: parent?.directory,
    };
  }

  /** Gives the notice; false if the name is gone. */
  private failed(error: unknown, path: Buffer): boolean {
    passOnExhaustion(error);
    const gone = isGone(error);
    this.notice(gone ? 'vanished' : 'unreadable', path, reasonOf(error));
    return !gone;
  }

  private missRootsBelow(node: RootNode, path: Buffer, kind: 'vanished' | 'unreadable', message: string): void {
    for (const [name, child] of node.children) {
      const below = joinPath(path, Buffer.from(name, 'latin1'));
      if (child.isRoot) this.notice(kind, below, message);
      this.missRootsBelow(child, below, kind, message);
    }
  }

  private notice(kind: 'vanished' | 'unreadable', path: Buffer, message: string): void {
    this.tell({ kind: 'notice', notice: { kind, path, message } });
  }
}

function pathOf(parent: Frame, name: Buffer): Buffer {
  return joinPath(parent.directory.path, name);
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

/** A directory that the host is too short of descriptors for is not unreadable: the walk ends rather than leave it out. */
function passOnExhaustion(error: unknown): void {
  if (isExhaustion(errorCode(error))) throw error;
}

function isGone(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
