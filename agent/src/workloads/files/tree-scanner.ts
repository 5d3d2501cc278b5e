import fs from 'node:fs';
import { MAX_TREE_DEPTH } from '@holdfast/core/engine';
import type { FileStatus } from '../../platform/file-status.js';
import { statAt, statFd } from '../../platform/file-status.js';
import { readNames } from '../../platform/names.js';
import { O_PATH, openAt } from '../../platform/open-file.js';
import { AT_FDCWD } from '../../platform/posix.js';
import { errorCode, isExhaustion, reasonOf } from '../../platform/posix-error.js';
import { type ChangeStamp, joinPath, type ScannedDirectory, type ScannedEntry, SLASH } from './file-entry.js';
import { type FolderIdentity, FolderSet } from './folder-set.js';
import { HardLinkGroups } from './hard-link-groups.js';
import type { PathRules, RuleState } from './path-rules.js';
import type { RootNode } from './root-tree.js';
import { openQuietly, readXattrs, stampOf, typeFields } from './scan-entry.js';
import type { WalkEvent } from './walk.js';

export interface ScannerSettings {
  readonly roots: RootNode;
  readonly include: PathRules | undefined;
  readonly exclude: PathRules;
  readonly oneFileSystem: boolean;
  readonly never: readonly Buffer[];
  readonly neverFolders: readonly FolderIdentity[];
  readonly now: () => number;
  readonly rootsOnly: boolean;
}

/** A directory that the scanner is in. */
interface Frame {
  readonly directory: ScannedDirectory;
  readonly entry: ScannedEntry;
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
const PLACEHOLDER_STAMP: ChangeStamp = { size: 0, mtimeNs: 0n, ctimeNs: 0n, ino: 0n, settled: false };

export class TreeScanner {
  private readonly stack: Frame[] = [];
  /** Every descriptor that is not closed yet. */
  private readonly open = new Set<number>();
  private left: number[] = [];
  private readonly hardLinks = new HardLinkGroups();
  private readonly never: FolderSet;
  private readonly pending: WalkEvent[] = [];

  constructor(private readonly settings: ScannerSettings) {
    this.never = new FolderSet(settings.never, settings.neverFolders);
  }

  *events(): Generator<WalkEvent, void, void> {
    this.enterTop();
    for (let frame = this.stack.at(-1); frame; frame = this.stack.at(-1)) {
      const name = frame.names[frame.next++];
      if (name === undefined) this.leave(frame);
      else this.visit(frame, Buffer.from(name, 'latin1'), frame.roots?.children.get(name));
      if (this.pending.length > 0) yield* this.pending.splice(0);
    }
    yield* this.pending.splice(0);
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
    const entry = roots.isRoot
      ? this.describe(statFd(fd), Buffer.alloc(0), undefined, fd, SLASH)
      : leadingEntry(Buffer.alloc(0), undefined);
    if (entry) this.push(directory, entry, choice, roots, roots.isRoot, statFd(fd).dev);
  }

  private visit(parent: Frame, name: Buffer, root: RootNode | undefined): void {
    const path = joinPath(parent.directory.path, name);
    if (!parent.inRoot) {
      if (root?.isRoot) this.visitRoot(parent, name, path, root);
      else if (root) this.lead(parent, name, path, root);
      return;
    }
    if (root?.isRoot) {
      this.visitRoot(parent, name, path, root);
      return;
    }
    const status = this.status(parent, name, path);
    if (!status) return;
    const isDirectory = status.type === 'directory';
    const choice = this.choose(parent, name, isDirectory);
    if (choice.taken && !(isDirectory && this.never.has(status))) {
      this.take(parent, name, path, status, choice, root);
    } else if (root && isDirectory) {
      this.lead(parent, name, path, root);
    }
    if (!isDirectory) this.missRootsBelow(root, path, 'vanished', 'no directory leads to it');
  }

  /** A root that was named is taken whatever the rules say about its own name. */
  private visitRoot(parent: Frame, name: Buffer, path: Buffer, root: RootNode): void {
    const status = this.status(parent, name, path);
    if (!status) return;
    if (status.type === 'symlink') {
      this.notice('unreadable', path, 'the root is a symbolic link; the link is stored and not what it points to');
    }
    const choice = { ...this.choose(parent, name, status.type === 'directory'), taken: true, canMatchBelow: true };
    this.take(parent, name, path, status, choice, root, true);
    if (status.type !== 'directory') this.missRootsBelow(root, path, 'vanished', 'no directory leads to it');
  }

  private take(
    parent: Frame,
    name: Buffer,
    path: Buffer,
    status: FileStatus,
    choice: Choice,
    root: RootNode | undefined,
    isRoot = false,
  ): void {
    if (status.type === 'directory') {
      this.enter(parent, name, path, status, choice, root, isRoot);
    } else if (choice.included || isRoot) {
      const entry = this.describe(status, name, parent, { dirFd: parent.directory.fd, name }, path);
      if (!entry) return;
      this.announce();
      this.pending.push({ kind: 'entry', entry });
    }
  }

  private enter(
    parent: Frame,
    name: Buffer,
    path: Buffer,
    seen: FileStatus,
    choice: Choice,
    root: RootNode | undefined,
    isRoot: boolean,
  ): void {
    if (!choice.included && !choice.canMatchBelow && !root) return;
    let fd = -1;
    let status = seen;
    try {
      fd = openQuietly(parent.directory.fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      status = statFd(fd);
    } catch (error) {
      if (!this.failed(error, path)) return;
    }
    const entry = this.describe(status, name, parent, fd >= 0 ? fd : { dirFd: parent.directory.fd, name }, path);
    if (!entry) {
      if (fd >= 0) fs.closeSync(fd);
      return;
    }
    const dev = isRoot ? status.dev : parent.dev;
    const otherFileSystem = this.settings.oneFileSystem && status.dev !== dev;
    this.push({ path, fd }, entry, choice, root, true, dev, isRoot, otherFileSystem);
  }

  /** A directory that only leads to roots; links on the way are followed, as whoever named the root saw it. */
  private lead(parent: Frame, name: Buffer, path: Buffer, root: RootNode): void {
    let fd: number;
    try {
      fd = openAt(parent.directory.fd, name, O_PATH | O_DIRECTORY);
    } catch (error) {
      passOnExhaustion(error);
      this.missRootsBelow(root, path, isGone(error) ? 'vanished' : 'unreadable', reasonOf(error));
      return;
    }
    const choice = { ...this.choose(parent, name, true), taken: true };
    this.push({ path, fd }, leadingEntry(name, parent.directory), choice, root, false, statFd(fd).dev);
  }

  private push(
    directory: ScannedDirectory,
    entry: ScannedEntry,
    choice: Choice,
    roots: RootNode | undefined,
    inRoot: boolean,
    dev: number,
    isRoot = inRoot && directory.path === SLASH,
    doNotList = false,
  ): void {
    const { names, unreadable } = doNotList ? { names: [], unreadable: false } : this.list(directory, roots, inRoot);
    const { included, include, exclude } = choice;
    if (directory.fd >= 0) this.open.add(directory.fd);
    this.stack.push({
      directory,
      entry,
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
    if (included || isRoot || directory.path === SLASH) this.announce();
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
    this.stack.pop();
    if (frame.directory.fd >= 0) this.left.push(frame.directory.fd);
    if (frame.announced) this.pending.push({ kind: 'leaveDirectory', path: frame.directory.path });
  }

  /** Announces every directory that the scanner is in and has kept to itself. */
  private announce(): void {
    let from = this.stack.length;
    while (from > 0 && !this.stack[from - 1]?.announced) from--;
    for (const frame of this.stack.slice(from)) {
      frame.announced = true;
      const { entry, directory, unreadable } = frame;
      const event = { kind: 'enterDirectory', entry, path: directory.path } as const;
      this.pending.push(unreadable ? { ...event, unreadable } : event);
    }
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

  private status(parent: Frame, name: Buffer, path: Buffer): FileStatus | undefined {
    try {
      return statAt(parent.directory.fd, name);
    } catch (error) {
      this.failed(error, path);
      return undefined;
    }
  }

  private describe(
    status: FileStatus,
    name: Buffer,
    parent: Frame | undefined,
    xattrTarget: Parameters<typeof readXattrs>[0],
    path: Buffer,
  ): ScannedEntry | undefined {
    const { type, mode, uid, gid, mtimeNs } = status;
    if (type === 'unknown' || !Number.isSafeInteger(status.size)) {
      this.notice('unreadable', path, type === 'unknown' ? 'its type is not known' : 'it is too large');
      return undefined;
    }
    try {
      const hardLinkGroup = type === 'directory' ? undefined : this.hardLinks.groupOf(status, path);
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
        ...(hardLinkGroup ? { hardLinkGroup } : {}),
        stamp: stampOf(status, this.settings.now()),
        parent: parent?.directory,
      };
    } catch (error) {
      this.failed(error, path);
      return undefined;
    }
  }

  /** Gives the notice; false if the name is gone. */
  private failed(error: unknown, path: Buffer): boolean {
    passOnExhaustion(error);
    const gone = isGone(error);
    this.notice(gone ? 'vanished' : 'unreadable', path, reasonOf(error));
    return !gone;
  }

  private missRootsBelow(
    node: RootNode | undefined,
    path: Buffer,
    kind: 'vanished' | 'unreadable',
    message: string,
  ): void {
    for (const [name, child] of node?.children ?? []) {
      const below = joinPath(path, Buffer.from(name, 'latin1'));
      if (child.isRoot) this.notice(kind, below, message);
      this.missRootsBelow(child, below, kind, message);
    }
  }

  private notice(kind: 'vanished' | 'unreadable', path: Buffer, message: string): void {
    this.pending.push({ kind: 'notice', notice: { kind, path, message } });
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
    stamp: PLACEHOLDER_STAMP,
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
