import fs from 'node:fs';
import { type FileStatus, isSameFile, statFd } from '../../platform/file-status.js';
import { makeSpecialAt, symlinkAt } from '../../platform/names.js';
import { O_PATH, openAt } from '../../platform/open-file.js';
import { errorCode } from '../../platform/posix-error.js';
import { ExchangedError } from '../../platform/workshop.js';
import { applyMetadata } from './apply-metadata.js';
import type { FileEntry } from './file-entry.js';
import { NEW_FILE_FLAGS, removeTemporary } from './new-file.js';
import { RestoreConflictError } from './restore-conflict.js';
import {
  type Choice,
  isPlace,
  NO_HARD_LINKS,
  type Place,
  type RestoredEarlier,
  type RestorePlaces,
  type Temporary,
} from './restore-place.js';
import type { RestoreRun } from './restore-run.js';
import { hasTwin } from './restore-twins.js';
import type { Primary } from './restored-links.js';
import { type ContentSource, ContentSourceError, type DataBlock, writeContent } from './write-content.js';

/** `earlier`: an attempt before this one restored it; `notRestorable`: only another user could make it, and a notice says so, as it does of `failed`. */
export type RestoreOutcome = 'restored' | 'earlier' | 'skipped' | 'notRestorable' | 'failed';

/** Told of content right before it is written; holes are not. What it throws is thrown again, as of a source. */
export type OnWrite = (bytes: number) => void;

const { O_NOFOLLOW } = fs.constants;
/** What says that an entry cannot be linked and is better restored by itself. */
const NOT_LINKABLE = new Set(['ENOENT', 'ELOOP', 'EXDEV', 'EACCES', ...NO_HARD_LINKS]);

/** The directory that entries are made in. */
export interface EntriesParent {
  readonly fd: number;
  readonly places: RestorePlaces;
  /** What is made in it may be handed an ACL that it did not have. */
  readonly handsDownAcl: boolean;
  /** Nobody else may enter it yet. */
  readonly isClosedToOthers: boolean;
  /** Where what cannot be made and opened at once is made: nobody else gives and takes names in it. */
  makingFd(): number;
}

/**
 * Makes the entries of one directory that are no directories themselves. A file has its own name only when it is complete, content and
 * metadata, or, in a directory that nobody else may enter yet, its own mode.
 */
export class RestoreEntries {
  private readonly fd: number;
  private readonly places: RestorePlaces;

  constructor(
    private readonly run: RestoreRun,
    private readonly parent: EntriesParent,
  ) {
    this.fd = parent.fd;
    this.places = parent.places;
  }

  /** A regular file; its content is asked for only if it is needed, and a second time if it was first compared with what is there. */
  file(entry: FileEntry, open: () => ContentSource, onWrite: OnWrite): Promise<RestoreOutcome> {
    return this.linkedOr(entry, () => this.writeFile(entry, open, onWrite));
  }

  /** A symbolic link, FIFO, socket or device node. */
  special(entry: FileEntry): Promise<RestoreOutcome> {
    return this.linkedOr(entry, async () => this.writeSpecial(entry));
  }

  /** Links the entry to a member of its group that was restored, or restores it and offers it to the others. */
  private async linkedOr(entry: FileEntry, restore: () => Promise<Restored>): Promise<RestoreOutcome> {
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
      const put = this.places.put(entry, first, made, (place) => {
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
      });
      return put === 'skipped' ? 'skipped' : 'restored';
    } catch (error) {
      if (error instanceof ExchangedError) return undefined;
      if (NOT_LINKABLE.has(errorCode(error) ?? '')) return undefined;
      return this.run.failed(this.places.below(entry.name), error);
    }
  }

  private async writeFile(entry: FileEntry, open: () => ContentSource, onWrite: OnWrite): Promise<Restored> {
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
      // Before anything is made beside it: that would change the folder's times.
      if (await hasTwin(this.fd, place.twins ?? [], entry, () => opened(open))) return { outcome: this.run.skipped() };
      const content = opened(() => told(open(), onWrite));
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
      isNamed = restored.isNamed === true;
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
    const until = this.parent.isClosedToOthers ? undefined : temporary;
    const file = { dirFd: this.fd, name, temporary: until, entry, content, mayHaveOtherAcl: this.parent.handsDownAcl };
    const result = await writers.write(file);
    if (result.kind === 'undecided') return undefined;
    const path = this.places.below(entry.name);
    if (result.kind === 'refused') return this.run.refused(path, result.reason, result.code);
    for (const message of result.notices) this.run.notice('notRestorable', path, message);
    if (result.kind === 'restored') return 'restored';
    const made = { dirFd: this.fd, name: temporary };
    let isNamed = false;
    try {
      const put = this.places.put(entry, { name, replace }, this.recorded(entry, result.status), (place) =>
        this.places.publish(made, place),
      );
      isNamed = isPlace(put);
      return this.settled(entry, put).outcome;
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
      temporary = { dirFd: this.parent.makingFd(), name };
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
    const target = { fd, isPathOnly, mayHaveOtherAcl: this.parent.handsDownAcl };
    applyMetadata(target, entry, (message) => this.run.notice('notRestorable', this.places.below(entry.name), message));
    const status = this.places.journal.needsRecord(entry) ? statFd(fd) : undefined;
    close();
    const put = this.places.put(entry, first, status, (place) => this.places.publish(temporary, place));
    return this.settled(entry, put, status);
  }

  /** @param made for the entry, if others may be linked to it */
  private settled(entry: FileEntry, put: Choice, made?: FileStatus): Restored {
    if (put === 'skipped') return { outcome: 'skipped' };
    if (!isPlace(put)) return this.restoredEarlier(entry, put);
    const restored: Restored = entry.hardLinkGroup && made ? this.primaryOf(put.name, made) : { outcome: 'restored' };
    return { ...restored, isNamed: true };
  }

  private restoredEarlier(entry: FileEntry, { name, status }: RestoredEarlier): Restored {
    // Its notices went with the attempt.
    if (status.uid !== entry.uid || status.gid !== entry.gid)
      this.run.notice('notRestorable', this.places.below(name), `owner ${entry.uid}:${entry.gid}: it has another`);
    // What only fits may be anybody's: nothing else becomes a link to it.
    const isPrimary = entry.hardLinkGroup && this.places.journal.wasMade(name, status);
    return { ...(isPrimary && this.primaryOf(name, status)), outcome: 'earlier' };
  }

  private primaryOf(name: Buffer, { dev, ino, birthNs }: FileStatus): Restored {
    return { outcome: 'restored', primary: { path: this.places.below(name), dev, ino, birthNs } };
  }
}

interface Restored {
  readonly outcome: RestoreOutcome;
  /** What was made for it has a name of its own. */
  readonly isNamed?: boolean;
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

/** The same, with each piece told of as it is taken. */
function told(source: ContentSource, onWrite: OnWrite): ContentSource {
  if (source === undefined) return undefined;
  if (!Buffer.isBuffer(source)) return toldBlocks(source, onWrite);
  onWrite(source.length);
  return source;
}

async function* toldBlocks(source: AsyncIterable<DataBlock>, onWrite: OnWrite): AsyncGenerator<DataBlock, void, void> {
  for await (const block of source) {
    onWrite(block.data.length);
    yield block;
  }
}
