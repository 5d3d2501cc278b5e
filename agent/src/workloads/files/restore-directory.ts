import fs from 'node:fs';
import { type FileStatus, statFd } from '../../platform/file-status.js';
import { makeDirectoryAt, unlinkAt } from '../../platform/names.js';
import { openAt } from '../../platform/open-file.js';
import { errorCode } from '../../platform/posix-error.js';
import {
  ExchangedError,
  FOLDER_FLAGS,
  isHeldByUs,
  isOfUsOrRoot,
  isPrivate,
  isPutByOthers,
  makeFolderIn,
  Workshop,
} from '../../platform/workshop.js';
import { hasXattr } from '../../platform/xattrs.js';
import { type FileEntry, isName } from './file-entry.js';
import { closeFor, keepsItsMetadata, openedFor } from './folder-metadata.js';
import { type OnWrite, RestoreEntries, type RestoreOutcome } from './restore-entries.js';
import { JournalledDirectory, type Standing } from './restore-journal.js';
import { RestorePlaces } from './restore-place.js';
import type { RestoreRun } from './restore-run.js';
import type { ContentSource } from './write-content.js';

const MAX_ATTEMPTS = 100;
const READABLE_FOR_OTHERS = 0o005;
const DEFAULT_ACL = Buffer.from('system.posix_acl_default');

/**
 * Whose a directory is: `new`, this attempt made it; `ours`, an earlier one did; `descended`, it lies where one made a directory, and may be it; or somebody else's.
 */
export type Origin = 'new' | 'ours' | 'descended' | 'foreign';

/**
 * One directory of a restore. It holds a descriptor of the very directory, and every name is made relative to that, so whatever
 * is done to the path meanwhile, nothing is written elsewhere. Where others may give and take names, what cannot be
 * made and opened at once is made in a workshop, and has its name when it is open: what is changed is what was made, and nothing else.
 *
 * Names are checked here; a tree that comes from anywhere is safe to restore.
 */
export class RestoreDirectory {
  /** Whoever owns the directory says so, at any time. */
  private readonly handsDownAcl: boolean;
  private readonly standing: Standing;
  private workshop: Workshop | undefined;
  /** It was refused. */
  private exchanged: ExchangedError | undefined;
  private readonly isNew: boolean;
  private readonly places: RestorePlaces;
  private readonly entries: RestoreEntries;
  private readonly children = new Set<RestoreDirectory>();
  private running = 0;
  private left = false;
  private closed = false;

  constructor(
    private readonly run: RestoreRun,
    private readonly fd: number,
    /** Relative to the target. */
    private readonly path: Buffer,
    /** Whose metadata the directory gets when everything in it is done; undefined if it keeps its own; `ofWay` for one that was made to lead to others. */
    private readonly metadata: FileEntry | undefined | 'ofWay',
    private readonly mayHaveOtherAcl: boolean,
    origin: Origin,
    private readonly onClosed: (directory: RestoreDirectory) => void,
  ) {
    const status = statFd(fd);
    this.isNew = origin === 'new';
    // Until it is done: on a file system that keeps modes.
    const isClosedToOthers = this.isNew && isPrivate(status);
    this.handsDownAcl = !isClosedToOthers || hasXattr(fd, DEFAULT_ACL);
    this.standing = standingOf(origin, status);
    this.places = new RestorePlaces(
      run,
      fd,
      path,
      this.isNew,
      new JournalledDirectory(run.journal, path, this.standing),
    );
    this.entries = new RestoreEntries(run, {
      fd,
      places: this.places,
      handsDownAcl: this.handsDownAcl,
      isClosedToOthers,
      makingFd: () => (this.standing === 'held' ? fd : this.openWorkshop().fd),
    });
    if (run.journal.continues && !this.isNew) run.removeLeftovers(fd);
  }

  /** Where an entry of this directory would lie, absolute: for notices. */
  pathOf(entry: FileEntry): Buffer {
    return this.run.absolute(this.places.below(entry.name));
  }

  /** Makes the directory, or goes into the one that is there. Undefined if it was skipped or failed, and with it all below. */
  directory(entry: FileEntry): RestoreDirectory | undefined {
    if (!this.accepts(entry)) return undefined;
    const path = this.places.below(entry.name);
    try {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const existing = this.isNew && attempt === 0 ? undefined : this.places.existing(entry.name);
        if (existing?.type === 'directory') {
          return this.enterExisting(entry, entry.name);
        }
        if (existing && (entry.leadsToRoot || entry.leadsToSelection)) {
          this.run.refused(path, 'something that is not a directory leads to what is restored');
          return undefined;
        }
        const place = this.places.decide(entry, existing);
        if (place === 'skipped') {
          // Of what lies in it, nothing is there: that is worth a word.
          this.run.notice('skipped', path, 'something else has the name of this folder: nothing in it was restored');
          return undefined;
        }
        if ('status' in place) return this.enterExisting(entry, place.name);
        if (place.replace) unlinkAt(this.fd, place.name);
        const fd = this.makeDirectory(place.name);
        if (fd === undefined) continue;
        const made = orClosed(fd, () => this.enter(entry, place.name, fd, 'new'));
        this.run.restored();
        return made;
      }
      this.run.refused(path, 'something keeps getting in the way');
    } catch (error) {
      this.run.failed(path, error);
    }
    return undefined;
  }

  /**
   * Restores a regular file. `open` is called only if its content is needed, which it is not for a file that is skipped or
   * linked to one already restored. What the source throws is thrown again: the file is left absent then.
   */
  async file(entry: FileEntry, open: () => ContentSource, onWrite: OnWrite = () => undefined): Promise<RestoreOutcome> {
    return this.settling(entry, () => this.entries.file(entry, open, onWrite));
  }

  /** Restores a symbolic link, FIFO, socket or device node. */
  async special(entry: FileEntry): Promise<RestoreOutcome> {
    return this.settling(entry, () => this.entries.special(entry));
  }

  /** Nothing more comes in this directory. It gets its metadata once everything in it is done. */
  leave(): void {
    this.left = true;
    this.closeIfDone();
  }

  leaveAll(): void {
    for (const child of [...this.children]) child.leaveAll();
    this.leave();
  }

  // ---------------------------------------------------------------- settling

  private async settling(entry: FileEntry, restore: () => Promise<RestoreOutcome>): Promise<RestoreOutcome> {
    if (!this.accepts(entry)) return 'failed';
    this.running++;
    try {
      const outcome = await restore();
      if (outcome === 'restored' || outcome === 'earlier') this.run.restored();
      return outcome;
    } finally {
      this.running--;
      this.closeIfDone();
    }
  }

  private closeIfDone(): void {
    if (!this.left || this.closed || this.running > 0 || this.children.size > 0) return;
    this.closed = true;
    try {
      this.workshop?.close();
      if (this.metadata === 'ofWay') this.run.openWay(this.fd);
      else if (this.metadata) this.run.completeDirectory(this.fd, this.path, this.metadata, this.mayHaveOtherAcl);
    } finally {
      fs.closeSync(this.fd);
      this.onClosed(this);
    }
  }

  // ---------------------------------------------------------------- places

  private accepts(entry: FileEntry): boolean {
    if (this.left) throw new TypeError('the directory was left');
    if (isName(entry.name)) return true;
    this.run.refused(this.places.below(entry.name), 'this is not a name that an entry may have');
    return false;
  }

  /** Undefined if the name is taken. */
  private makeDirectory(name: Buffer): number | undefined {
    if (this.standing === 'held') {
      try {
        makeDirectoryAt(this.fd, name, 0o700);
      } catch (error) {
        if (errorCode(error) === 'EEXIST') return undefined;
        throw error;
      }
      return openAt(this.fd, name, FOLDER_FLAGS);
    }
    return makeFolderIn(this.openWorkshop(), this.fd, name, {
      mode: 0o700,
      temporary: this.run.temporaryName(),
      before: (made) => this.places.journal.willName(name, made),
    });
  }

  private openWorkshop(): Workshop {
    if (this.exchanged) throw this.exchanged;
    try {
      this.workshop ??= Workshop.open(this.fd, () => this.run.temporaryName());
    } catch (error) {
      if (error instanceof ExchangedError) this.exchanged = error;
      throw error;
    }
    return this.workshop;
  }

  private enterExisting(entry: FileEntry, name: Buffer): RestoreDirectory | undefined {
    const fd = openAt(this.fd, name, FOLDER_FLAGS);
    return orClosed(fd, () => this.enterOpened(entry, name, fd));
  }

  private enterOpened(entry: FileEntry, name: Buffer, fd: number): RestoreDirectory | undefined {
    // Of what is open, for the name may lead to something else by now.
    const status = statFd(fd);
    const origin = this.originOf(name, status);
    const isKept = origin !== 'ours' && keepsItsMetadata(fd, statFd(this.fd), entry);
    const reason = this.whyNotEntered(entry, status, origin) ?? this.whyOpen(fd, entry, status, origin);
    if (reason !== undefined) {
      this.run.refused(this.places.below(name), reason);
      return undefined;
    }
    const child = this.enter(entry, name, fd, origin, isKept);
    const keepsAll = entry.leadsToRoot || !this.isChanged(entry, origin);
    if (origin === 'foreign' && keepsAll) this.run.skipped();
    else this.run.restored();
    return child;
  }

  private originOf(name: Buffer, status: FileStatus): Origin {
    if (this.places.journal.wasMade(name, status)) return 'ours';
    return this.places.journal.isInFinished ? 'descended' : 'foreign';
  }

  private whyNotEntered(entry: FileEntry, { dev, ino, uid }: FileStatus, origin: Origin): string | undefined {
    if (this.run.never.has({ dev, ino })) return 'it belongs to Holdfast itself: restores write nothing into it';
    const isOfAnother = origin !== 'ours' && uid !== entry.uid && !isOfUsOrRoot(uid);
    if (isOfAnother && isForItsOwner(entry) && this.openWorkshop().closesFolders)
      return `user ${uid} owns the folder that is there, and in the recovery point it was closed to others: nothing was restored into it`;
    return undefined;
  }

  /** Closes the folder first to whom the point keeps out, if it may be changed, also where it keeps its owner: metadata come too late for what is put in it. */
  private whyOpen(fd: number, entry: FileEntry, status: FileStatus, origin: Origin): string | undefined {
    if (!this.isOpenedByOthers(fd, entry, status, origin)) return undefined;
    if (this.isChanged(entry, origin) && closeFor(fd, entry)) return undefined;
    return 'others can have put the folder there that is there, and can read it, and in the recovery point it was closed to them: nothing was restored into it';
  }

  /** Whether others can have put there a folder in which they may read what the point keeps from them. */
  private isOpenedByOthers(fd: number, entry: FileEntry, status: FileStatus, origin: Origin): boolean {
    if (origin === 'ours' || entry.leadsToRoot || !isPutByOthers(status, statFd(this.fd))) return false;
    return openedFor(fd, status, entry) !== 0 && this.openWorkshop().closesFolders;
  }

  /** Whether a directory gets the metadata of the point, if it may: one that was there and only leads to what is restored stays as it is. */
  private isChanged(entry: FileEntry, origin: Origin): boolean {
    return isOurs(origin) || (this.run.onConflict === 'OVERWRITE' && !entry.leadsToSelection);
  }

  /** @param isKept it keeps its own metadata under every conflict mode */
  private enter(entry: FileEntry, name: Buffer, fd: number, origin: Origin, isKept = false): RestoreDirectory {
    const isChanged = this.isChanged(entry, origin);
    const path = this.places.below(name);
    const isRefused = isChanged && isKept && !entry.leadsToRoot;
    if (isRefused) this.run.keptMetadata(path);
    const isWay = entry.leadsToRoot && isOurs(origin);
    const ofEntry = isChanged && !isRefused && !entry.leadsToRoot ? entry : undefined;
    const metadata = isWay ? 'ofWay' : ofEntry;
    const mayHaveOtherAcl = origin !== 'new' || this.handsDownAcl;
    const child = new RestoreDirectory(this.run, fd, path, metadata, mayHaveOtherAcl, origin, (closed) => {
      this.children.delete(closed);
      this.closeIfDone();
    });
    this.children.add(child);
    return child;
  }
}

/** A descriptor is the directory's that comes of it; if none does, it is closed. */
function orClosed<T extends RestoreDirectory | undefined>(fd: number, enter: () => T): T {
  let entered: T | undefined;
  try {
    entered = enter();
    return entered;
  } finally {
    if (entered === undefined) fs.closeSync(fd);
  }
}

/** In the recovery point, a directory is closed to others than its owner and group. */
function isForItsOwner(entry: FileEntry): boolean {
  return !entry.leadsToRoot && (entry.mode & READABLE_FOR_OTHERS) === 0;
}

function isOurs(origin: Origin): boolean {
  return origin === 'new' || origin === 'ours';
}

function standingOf(origin: Origin, status: FileStatus): Standing {
  if (origin === 'foreign') return 'foreign';
  return origin !== 'descended' && isHeldByUs(status) ? 'held' : 'finished';
}
