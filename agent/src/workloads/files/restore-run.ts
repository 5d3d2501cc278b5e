import fs from 'node:fs';
import { type FileIdentity, isSameFile, statFd } from '../../platform/file-status.js';
import { removeDirectoryAt } from '../../platform/names.js';
import { openAt, openBeneath } from '../../platform/open-file.js';
import { errorCode, reasonOf } from '../../platform/posix-error.js';
import { leftoversIn, TemporaryNames } from '../../platform/temporary-names.js';
import { ExchangedError, FOLDER_FLAGS } from '../../platform/workshop.js';
import type { Notice, NoticeKind } from '../notice.js';
import { applyMetadata } from './apply-metadata.js';
import { EarlyFlushes } from './early-flushes.js';
import { type FileEntry, joinPath } from './file-entry.js';
import type { FolderSet } from './folder-set.js';
import { type NewFileWriters, removeTemporary } from './new-file.js';
import type { ConflictMode } from './restore-conflict.js';
import type { RestoreJournal } from './restore-journal.js';
import { RestoredLinks } from './restored-links.js';

const MODE_OF_WAY = 0o755;

/** Counts of a restore so far. */
export interface RestoreCounts {
  /** Entries, directories included. */
  restored: number;
  /** Entries that were there already and were left as they are, directories included. */
  skipped: number;
  failed: number;
  /** Notices of that kind. */
  notRestorable: number;
}

/** A directory whose mode would lock its own user out, left open until the end because hard links may lead into it. */
interface PostponedDirectory {
  readonly path: Buffer;
  readonly identity: FileIdentity;
  readonly entry: FileEntry;
  readonly mayHaveOtherAcl: boolean;
}

/** The file system of the target is full: so it is for everything that would come. */
export class TargetFullError extends Error {
  override readonly name = 'TargetFullError';

  constructor(path: Buffer, reason: string) {
    super(`${path.toString()} could not be written: ${reason}`);
  }
}

/** What all directories of one restore share. */
export class RestoreRun {
  readonly counts: RestoreCounts = { restored: 0, skipped: 0, failed: 0, notRestorable: 0 };
  readonly links: RestoredLinks;
  readonly flushes: EarlyFlushes;
  /** Set when the restore was given up: metadata of directories no longer matter. */
  abandoned = false;
  private readonly postponed: PostponedDirectory[] = [];
  private readonly temporaries: TemporaryNames;
  private readonly bypassesModes = process.geteuid?.() === 0;

  constructor(
    readonly target: Buffer,
    readonly targetFd: number,
    readonly onConflict: ConflictMode,
    /** Never entered, whatever the point says. */
    readonly never: FolderSet,
    private readonly onNotice: (notice: Notice) => void,
    readonly journal: RestoreJournal,
    private readonly onSettled?: (outcome: 'restored' | 'skipped') => void,
    /** Where new files are made; here, where absent. */
    readonly writers?: NewFileWriters,
  ) {
    this.temporaries = new TemporaryNames(journal.mark);
    this.links = new RestoredLinks(targetFd);
    this.flushes = new EarlyFlushes(targetFd, () => journal.distrust());
  }

  /** A name that nothing else has; a crash can leave such a file behind, and nothing else. */
  temporaryName(): Buffer {
    return this.temporaries.next();
  }

  /** What an attempt that was killed left half-made in this directory. */
  removeLeftovers(fd: number): void {
    for (const name of leftoversIn(fd, this.journal.mark))
      if (!removeTemporary(fd, name)) this.removeWorkshop(fd, name);
  }

  /** Nothing but what has such a name goes: it may be anybody's folder. */
  private removeWorkshop(fd: number, name: Buffer): void {
    try {
      const workshop = openAt(fd, name, FOLDER_FLAGS);
      try {
        for (const inside of leftoversIn(workshop, this.journal.mark))
          if (!removeTemporary(workshop, inside)) removeDirectoryAt(workshop, inside);
      } finally {
        fs.closeSync(workshop);
      }
      removeDirectoryAt(fd, name);
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
    }
  }

  /** A folder that leads to what was restored and was missing: nothing is known of it, and others went through it. */
  openWay(fd: number): void {
    if (!this.abandoned) fs.fchmodSync(fd, MODE_OF_WAY);
  }

  absolute(path: Buffer): Buffer {
    return joinPath(this.target, path);
  }

  notice(kind: NoticeKind, path: Buffer, message: string): void {
    if (kind === 'notRestorable') this.counts.notRestorable++;
    this.onNotice({ kind, path: this.absolute(path), message });
  }

  /** A folder that is there keeps its own. */
  keptMetadata(path: Buffer): void {
    this.notice('notRestorable', path, 'owner, mode and times: others can have put the folder there that is there');
  }

  restored(): void {
    this.counts.restored++;
    this.onSettled?.('restored');
  }

  /** What was asked for is no trouble: it is counted, and nothing else. */
  skipped(): 'skipped' {
    this.counts.skipped++;
    this.onSettled?.('skipped');
    return 'skipped';
  }

  /** Reports a system call's failure; anything else is a fault of ours and goes on up. Throws a `TargetFullError` where nothing else fits either. */
  failed(path: Buffer, error: unknown): 'failed' {
    if (error instanceof ExchangedError) return this.refused(path, error.message);
    const code = errorCode(error);
    if (code === undefined) throw error;
    return this.refused(path, reasonOf(error), code);
  }

  /** @param code of a system call's failure, if that is what it was */
  refused(path: Buffer, message: string, code?: string): 'failed' {
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new TargetFullError(this.absolute(path), message);
    this.counts.failed++;
    this.notice('unwritable', path, message);
    return 'failed';
  }

  /** Sets the metadata of a directory below which everything is settled, now or at the end. */
  completeDirectory(fd: number, path: Buffer, entry: FileEntry, mayHaveOtherAcl: boolean): void {
    if (this.abandoned) return;
    if (!this.bypassesModes && (entry.mode & 0o300) !== 0o300) {
      this.postponed.push({ path, identity: statFd(fd), entry, mayHaveOtherAcl });
    } else {
      this.applyMetadata(fd, path, entry, mayHaveOtherAcl);
    }
  }

  /** Children first, as they were left. */
  completePostponed(): void {
    const { O_RDONLY, O_DIRECTORY } = fs.constants;
    for (const { path, identity, entry, mayHaveOtherAcl } of this.postponed) {
      try {
        const fd = openBeneath(this.targetFd, path.length === 0 ? Buffer.from('.') : path, O_RDONLY | O_DIRECTORY);
        try {
          if (isSameFile(statFd(fd), identity)) this.applyMetadata(fd, path, entry, mayHaveOtherAcl);
          else this.notice('notRestorable', path, 'the directory was exchanged while restoring');
        } finally {
          fs.closeSync(fd);
        }
      } catch (error) {
        if (errorCode(error) === undefined) throw error;
        this.notice('notRestorable', path, String(error));
      }
    }
  }

  private applyMetadata(fd: number, path: Buffer, entry: FileEntry, mayHaveOtherAcl: boolean): void {
    const target = { fd, isPathOnly: false, mayHaveOtherAcl };
    applyMetadata(target, entry, (message) => this.notice('notRestorable', path, message));
  }
}
