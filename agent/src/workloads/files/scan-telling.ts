import type { FileStatus } from '../../platform/file-status.js';
import { AT_FDCWD } from '../../platform/posix.js';
import { errorCode, isExhaustion, reasonOf } from '../../platform/posix-error.js';
import type { XattrTarget } from '../../platform/xattrs.js';
import type { CachedDirectory } from './change-cache-reader.js';
import { type ChangeStamp, type EntryType, joinPath, type ScannedDirectory, type ScannedEntry } from './file-entry.js';
import { HardLinkGroups } from './hard-link-groups.js';
import { readXattrs, typeFields } from './scan-entry.js';
import type { Frame, Held } from './scan-frame.js';
import type { WalkEvent } from './walk.js';

/** Held in this directory; or, without anything held, its end. */
interface HeldIn {
  readonly frame: Frame;
  readonly held?: Held;
}

const DESCRIBED_PER_STEP = 256;

/**
 * What a scan tells, in its order. A directory that may turn out unchanged is kept to itself, with what was seen in it, until it does not or ends: then it is one
 * event. What was held is described only when it is told, for describing costs more than looking.
 */
export class ScanTelling {
  private readonly hardLinks = new HardLinkGroups();
  private events: WalkEvent[] = [];
  /** To be told next; what was held is described only then. */
  private waiting: (WalkEvent | HeldIn)[] = [];
  private heldCount = 0;
  private left: number[] = [];

  constructor(
    /** The directories that the scanner is in. */
    private readonly stack: readonly Frame[],
    private readonly mostHeld: number,
  ) {}

  /** From now on it is told there. False if there is nothing that waits to be told. */
  goOn(events: WalkEvent[]): boolean {
    this.events = events;
    if (this.waiting.length === 0) return false;
    this.tellWaiting();
    return true;
  }

  /** Descriptors of directories whose ends were told since the last call. */
  takeLeft(): readonly number[] {
    const { left } = this;
    this.left = [];
    return left;
  }

  /** The end of a directory that was announced. */
  leave(frame: Frame): void {
    this.waiting.push({ frame });
  }

  /** False if it is to be told instead. */
  hold(frame: Frame, held: Held): boolean {
    if (!frame.unchanged || this.heldCount >= this.mostHeld) return false;
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
  differs(frame: Frame): void {
    if (frame.unchanged) this.announce();
  }

  leaveUnchanged({ parent, name, status, stamp, seen, held }: Frame, cached: CachedDirectory): void {
    if (!parent || !status || !stamp) throw new TypeError('a directory without a status cannot be compared');
    this.heldCount -= held.length;
    this.tell({ kind: 'unchanged', ...seen });
    const whole = { name, status, stamp, cached };
    if (this.hold(parent, whole)) return;
    this.announce();
    this.waiting.push({ frame: parent, held: whole });
  }

  /** Announces every directory that the scanner is in and has kept to itself, with what was held in it. */
  announce(): void {
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

  tell(event: WalkEvent): void {
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

  describe(status: FileStatus, stamp: ChangeStamp, name: Buffer, parent: Frame): ScannedEntry | undefined {
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

  entryOf(
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
  failed(error: unknown, path: Buffer): boolean {
    passOnExhaustion(error);
    const gone = isGone(error);
    this.notice(gone ? 'vanished' : 'unreadable', path, reasonOf(error));
    return !gone;
  }

  notice(kind: 'vanished' | 'unreadable', path: Buffer, message: string): void {
    this.tell({ kind: 'notice', notice: { kind, path, message } });
  }
}

export function pathOf(parent: Frame, name: Buffer): Buffer {
  return joinPath(parent.directory.path, name);
}

/** A directory that the host is too short of descriptors for is not unreadable: the walk ends rather than leave it out. */
export function passOnExhaustion(error: unknown): void {
  if (isExhaustion(errorCode(error))) throw error;
}

export function isGone(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
