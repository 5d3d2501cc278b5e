import fs from 'node:fs';
import { type FileStatus, isSameFile, statFd } from '../../platform/file-status.js';
import { makeDirectoryAt, makeSpecialAt, symlinkAt, unlinkAt } from '../../platform/names.js';
import { O_PATH, openAt } from '../../platform/open-file.js';
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
import { applyMetadata } from './apply-metadata.js';
import { type FileEntry, isName } from './file-entry.js';
import { NEW_FILE_FLAGS, removeTemporary } from './new-file.js';
import { RestoreConflictError } from './restore-conflict.js';
import { JournalledDirectory, type Standing } from './restore-journal.js';
import { NO_HARD_LINKS, type Place, type RestoredEarlier, RestorePlaces, type Temporary } from './restore-place.js';
import type { RestoreRun } from './restore-run.js';
import type { Primary } from './restored-links.js';
import { type ContentSource, ContentSourceError, writeContent } from './write-content.js';

/** All but the first were reported as notices; `notRestorable` is what only another user could make. */
export type RestoreOutcome = 'restored' | 'skipped' | 'notRestorable' | 'failed';

const { O_NOFOLLOW } = fs.constants;
const MAX_ATTEMPTS = 100;
const READABLE_FOR_OTHERS = 0o005;
const DEFAULT_ACL = Buffer.from('system.posix_acl_default');
/** What says that an entry cannot be linked and is better restored by itself. */
const NOT_LINKABLE = new Set(['ENOENT', 'ELOOP', 'EXDEV', 'EACCES', ...NO_HARD_LINKS]);

/**
 * Whose a directory is: `new`, this attempt made it; `ours`, an earlier one did; `descended`, it lies where one made a directory, and may be it; or somebody else's.
 */
export type Origin = 'new' | 'ours' | 'descended' | 'foreign';

/**
 * One directory of a restore. It holds a descriptor of the very directory, and every name is made relative to that, so whatever
 * is done to the path meanwhile, nothing is written elsewhere. A file has its own name only when it is complete, content and
 * metadata, or, in a directory that nobody else may enter yet, its own mode. Where others may give and take names, what cannot be
 * made and opened at once is made in a workshop, and has its name when it is open: what is changed is what was made, and nothing else.
 *
 * Names are checked here; a tree that comes from anywhere is safe to restore.
 */
export class RestoreDirectory {
  /** What is made here may be handed an ACL that it did not have. Whoever owns the directory says so, at any time. */
  private readonly handsDownAcl: boolean;
  /** Until it is done: on a file system that keeps modes. */
  private readonly isClosedToOthers: boolean;
  private readonly standing: Standing;
  private workshop: Workshop | undefined;
  private readonly isNew: boolean;
  private readonly places: RestorePlaces;
  private readonly children = new Set<RestoreDirectory>();
  private running = 0;
  private left = false;
  private closed = false;

  constructor(
    private readonly run: RestoreRun,
    private readonly fd: number,
    /** Relative to the target. */
    private readonly path: Buffer,
    /** Whose metadata the directory gets when everything in it is done; undefined if it keeps its own. */
    private readonly metadata: FileEntry | undefined,
    private readonly mayHaveOtherAcl: boolean,
    origin: Origin,
    private readonly onClosed: (directory: RestoreDirectory) => void,
  ) {
    const status = statFd(fd);
    this.isNew = origin === 'new';
    this.isClosedToOthers = this.isNew && isPrivate(status);
    this.handsDownAcl = !this.isClosedToOthers || hasXattr(fd, DEFAULT_ACL);
    this.standing = standingOf(origin, status);
    this.places = new RestorePlaces(
      run,
      fd,
      path,
      this.isNew,
      new JournalledDirectory(run.journal, path, this.standing),
    );
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
        const made = this.enter(entry, place.name, fd, 'new');
        this.run.counts.restored++;
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
  async file(entry: FileEntry, open: () => ContentSource): Promise<RestoreOutcome> {
    return this.settling(() => this.linkedOr(entry, () => this.writeFile(entry, open)));
  }

  /** Restores a symbolic link, FIFO, socket or device node. */
  async special(entry: FileEntry): Promise<RestoreOutcome> {
    return this.settling(() => this.linkedOr(entry, async () => this.writeSpecial(entry)));
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

  private async settling(restore: () => Promise<RestoreOutcome>): Promise<RestoreOutcome> {
    if (this.left) throw new TypeError('the directory was left');
    this.running++;
    try {
      const outcome = await restore();
      if (outcome === 'restored') this.run.counts.restored++;
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
      if (this.metadata) this.run.completeDirectory(this.fd, this.path, this.metadata, this.mayHaveOtherAcl);
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
    this.workshop ??= Workshop.open(this.fd, () => this.run.temporaryName());
    return this.workshop;
  }

  private enterExisting(entry: FileEntry, name: Buffer): RestoreDirectory | undefined {
    const fd = openAt(this.fd, name, FOLDER_FLAGS);
    let child: RestoreDirectory | undefined;
    try {
      // Of what is open, for the name may lead to something else by now.
      const status = statFd(fd);
      const origin = this.originOf(name, status);
      const reason = this.whyNotEntered(entry, status, origin);
      if (reason !== undefined) {
        this.run.refused(this.places.below(name), reason);
        return undefined;
      }
      const isKept = origin !== 'ours' && isPutByOthers(status, statFd(this.fd));
      child = this.enter(entry, name, fd, origin, isKept);
      if (this.run.onConflict === 'SKIP' && origin === 'foreign') this.run.skipped();
      else this.run.counts.restored++;
      return child;
    } finally {
      if (child === undefined) fs.closeSync(fd);
    }
  }

  private originOf(name: Buffer, status: FileStatus): Origin {
    if (this.places.journal.wasMade(name, status)) return 'ours';
    return this.places.journal.isInFinished ? 'descended' : 'foreign';
  }

  private whyNotEntered(entry: FileEntry, { dev, ino, uid }: FileStatus, origin: Origin): string | undefined {
    if (this.run.never.has({ dev, ino })) return 'it belongs to Holdfast itself: restores write nothing into it';
    const isOfAnother = origin !== 'ours' && uid !== entry.uid && !isOfUsOrRoot(uid);
    const isForItsOwner = !entry.leadsToRoot && (entry.mode & READABLE_FOR_OTHERS) === 0;
    if (isOfAnother && isForItsOwner && this.openWorkshop().keepsOwners)
      return `user ${uid} owns the folder that is there, and in the recovery point it was closed to others: nothing was restored into it`;
    return undefined;
  }

  /** @param isKept it keeps its own metadata under every conflict mode */
  private enter(entry: FileEntry, name: Buffer, fd: number, origin: Origin, isKept = false): RestoreDirectory {
    // One that was there and only leads to what is restored stays as it is.
    const isOurs = origin === 'new' || origin === 'ours';
    const isChanged = isOurs || (this.run.onConflict === 'OVERWRITE' && !entry.leadsToSelection);
    const path = this.places.below(name);
    const isRefused = isChanged && isKept && !entry.leadsToRoot;
    if (isRefused)
      this.run.notice(
        'notRestorable',
        path,
        'owner, mode and times: others can have put the folder there that is there',
      );
    const metadata = isChanged && !isRefused && !entry.leadsToRoot ? entry : undefined;
    const mayHaveOtherAcl = origin !== 'new' || this.handsDownAcl;
    const child = new RestoreDirectory(this.run, fd, path, metadata, mayHaveOtherAcl, origin, (closed) => {
      this.children.delete(closed);
      this.closeIfDone();
    });
    this.children.add(child);
    return child;
  }

  // ---------------------------------------------------------------- entries

  /** Links the entry to a member of its group that was restored, or restores it and offers it to the others. */
  private async linkedOr(entry: FileEntry, restore: () => Promise<Restored>): Promise<RestoreOutcome> {
    if (!this.accepts(entry)) return 'failed';
    const { hardLinkGroup } = entry;
    if (!hardLinkGroup) return (await restore()).outcome;
    const claimed = await this.run.links.claim(hardLinkGroup);
    if (typeof claimed !== 'function') {
      const outcome = this.link(entry, claimed);
      if (outcome) return outcome;
      const restored = await restore();
      if (restored.primary) this.run.links.replace(hardLinkGroup, restored.primary);
      return restored.outcome;
    }
    let primary: Primary | undefined;
    try {
      const restored = await restore();
      primary = restored.primary;
      return restored.outcome;
    } finally {
      claimed(primary);
    }
  }

  /** Undefined if it cannot be linked, and shall be restored by itself. */
  private link(entry: FileEntry, primary: Primary): RestoreOutcome | undefined {
    const temporary = this.run.temporaryName();
    try {
      let first = this.places.choose(entry);
      if (first === 'skipped') return 'skipped';
      if ('status' in first) {
        const isLinked = isSameFile(first.status, primary);
        if (isLinked || !this.places.journal.wasMade(first.name, first.status)) return 'restored';
        first = { name: first.name, replace: true };
      }
      const made = { ...primary, type: entry.type };
      return this.places.put(entry, first, made, (place) => {
        if (!place.replace) {
          this.run.links.link(primary, this.fd, place.name);
          return;
        }
        this.run.links.link(primary, this.fd, temporary);
        try {
          this.places.renameOver({ dirFd: this.fd, name: temporary }, place.name);
        } finally {
          // A rename of one link over another of the same file does nothing.
          removeTemporary(this.fd, temporary);
        }
      }).outcome;
    } catch (error) {
      if (error instanceof ExchangedError) return undefined;
      if (NOT_LINKABLE.has(errorCode(error) ?? '')) return undefined;
      return this.run.failed(this.places.below(entry.name), error);
    }
  }

  private async writeFile(entry: FileEntry, open: () => ContentSource): Promise<Restored> {
    const path = this.places.below(entry.name);
    const temporary = this.run.temporaryName();
    let fd = -1;
    let isMade = false;
    let isNamed = false;
    try {
      // Before the content is asked for.
      const place = this.places.choose(entry);
      if (place === 'skipped') return { outcome: 'skipped' };
      if ('status' in place) return this.restoredEarlier(entry, place);
      const content = opened(open);
      // A large one goes past memory.
      if (Buffer.isBuffer(content)) this.run.flushes.wrote(content.length);
      const elsewhere = Buffer.isBuffer(content) && (await this.writeElsewhere(entry, content, temporary, place));
      if (elsewhere) return { outcome: elsewhere };
      fd = openAt(this.fd, temporary, NEW_FILE_FLAGS, 0o600);
      isMade = true;
      const writing = writeContent(fd, entry.size, content);
      if (writing) await writing;
      const restored = this.complete(fd, false, { dirFd: this.fd, name: temporary }, entry, place, () => {
        // Some file systems tell of a failed write no sooner.
        const closed = fd;
        fd = -1;
        fs.closeSync(closed);
      });
      isNamed = restored.outcome === 'restored';
      return restored;
    } catch (error) {
      if (error instanceof RestoreConflictError) throw error;
      if (error instanceof ContentSourceError) throw error.cause;
      return { outcome: this.run.failed(path, error) };
    } finally {
      if (fd >= 0) fs.closeSync(fd);
      if (isMade && !isNamed) removeTemporary(this.fd, temporary);
    }
  }

  /** By another thread, where that is all there is to it. Undefined where it is not: nothing was made then. */
  private async writeElsewhere(
    entry: FileEntry,
    content: Buffer,
    temporary: Buffer,
    { name, replace }: Place,
  ): Promise<RestoreOutcome | undefined> {
    const { writers } = this.run;
    if (writers === undefined || replace || entry.hardLinkGroup || content.length !== entry.size) return undefined;
    const until = this.isClosedToOthers ? undefined : temporary;
    const file = { dirFd: this.fd, name, temporary: until, entry, content, mayHaveOtherAcl: this.handsDownAcl };
    const result = await writers.write(file);
    if (result.kind === 'undecided') return undefined;
    const path = this.places.below(entry.name);
    if (result.kind === 'refused') return this.run.refused(path, result.reason, result.code);
    for (const message of result.notices) this.run.notice('notRestorable', path, message);
    if (result.kind === 'restored') return 'restored';
    const made = { dirFd: this.fd, name: temporary };
    let isNamed = false;
    try {
      const { outcome } = this.places.put(entry, { name, replace }, this.recorded(entry, result.status), (place) =>
        this.places.publish(made, place),
      );
      isNamed = outcome === 'restored';
      return outcome;
    } finally {
      if (!isNamed) removeTemporary(this.fd, temporary);
    }
  }

  /** What the journal is told of it, if anything. */
  private recorded(entry: FileEntry, status: FileStatus): FileStatus | undefined {
    return this.places.journal.needsRecord(entry) ? status : undefined;
  }

  private writeSpecial(entry: FileEntry): Restored {
    const path = this.places.below(entry.name);
    const name = this.run.temporaryName();
    let temporary: Temporary | undefined;
    let fd = -1;
    try {
      const place = this.places.choose(entry);
      if (place === 'skipped') return { outcome: 'skipped' };
      if ('status' in place) return this.restoredEarlier(entry, place);
      temporary = { dirFd: this.standing === 'held' ? this.fd : this.openWorkshop().fd, name };
      if (!this.makeSpecial(entry, temporary)) return { outcome: 'notRestorable' };
      fd = openAt(temporary.dirFd, name, O_PATH | O_NOFOLLOW);
      const status = statFd(fd);
      if (status.type !== entry.type || status.nlink !== 1) throw new ExchangedError();
      return this.complete(fd, true, temporary, entry, place);
    } catch (error) {
      if (error instanceof RestoreConflictError) throw error;
      return { outcome: this.run.failed(path, error) };
    } finally {
      if (fd >= 0) fs.closeSync(fd);
      if (temporary) removeTemporary(temporary.dirFd, name);
    }
  }

  /** False if the running user may not make it, which is reported. */
  private makeSpecial(entry: FileEntry, { dirFd, name }: Temporary): boolean {
    switch (entry.type) {
      case 'symlink':
        symlinkAt(entry.linkTarget ?? Buffer.alloc(0), dirFd, name);
        return true;
      case 'fifo':
      case 'socket':
      case 'characterDevice':
      case 'blockDevice':
        try {
          makeSpecialAt(dirFd, name, entry.type, 0o600, entry.device);
          return true;
        } catch (error) {
          if (errorCode(error) !== 'EPERM') throw error;
          this.run.notice('notRestorable', this.places.below(entry.name), `only root may make it: ${String(error)}`);
          return false;
        }
      case 'file':
      case 'directory':
        throw new TypeError(`a ${entry.type} is not a special file`);
    }
  }

  private complete(
    fd: number,
    isPathOnly: boolean,
    temporary: Temporary,
    entry: FileEntry,
    first: Place,
    close: () => void = () => undefined,
  ): Restored {
    const target = { fd, isPathOnly, mayHaveOtherAcl: this.handsDownAcl };
    applyMetadata(target, entry, (message) => this.run.notice('notRestorable', this.places.below(entry.name), message));
    const status = this.places.journal.needsRecord(entry) ? statFd(fd) : undefined;
    close();
    const { outcome, name } = this.places.put(entry, first, status, (place) => this.places.publish(temporary, place));
    return outcome === 'restored' && entry.hardLinkGroup && status ? this.primaryOf(name, status) : { outcome };
  }

  private restoredEarlier(entry: FileEntry, { name, status }: RestoredEarlier): Restored {
    // Its notices went with the attempt.
    if (status.uid !== entry.uid || status.gid !== entry.gid)
      this.run.notice('notRestorable', this.places.below(name), `owner ${entry.uid}:${entry.gid}: it has another`);
    // What only fits may be anybody's: nothing else becomes a link to it.
    const isPrimary = entry.hardLinkGroup && this.places.journal.wasMade(name, status);
    return isPrimary ? this.primaryOf(name, status) : { outcome: 'restored' };
  }

  private primaryOf(name: Buffer, { dev, ino, birthNs }: FileStatus): Restored {
    return { outcome: 'restored', primary: { path: this.places.below(name), dev, ino, birthNs } };
  }
}

function standingOf(origin: Origin, status: FileStatus): Standing {
  if (origin === 'foreign') return 'foreign';
  return origin !== 'descended' && isHeldByUs(status) ? 'held' : 'finished';
}

interface Restored {
  readonly outcome: RestoreOutcome;
  /** For the other members of its hard-link group. */
  readonly primary?: Primary;
}

function opened(open: () => ContentSource): ContentSource {
  try {
    return open();
  } catch (error) {
    throw error instanceof ContentSourceError ? error : new ContentSourceError(error);
  }
}
