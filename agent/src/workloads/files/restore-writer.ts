/**
 * Writes a recovery point's entries below a target directory.
 *
 * The caller goes through the tree: `root.directory(entry)` for a directory, then `file` and `special` on what it returned, then
 * `leave`. Calls in one directory may run beside each other, and a directory may be left while files in it are still being
 * written. `finish` waits for everything, makes it durable and gives the counts; `abandon` only waits and closes.
 *
 * Invariants: no write leaves the target; a file has its name only when it is whole, but for small files in a directory that the restore
 * made, which nobody else may enter until it is done: there a file has its mode only when it is whole; what others can have put where it is keeps
 * its owner and mode unless the point's give nobody more; nothing that the point does not have is deleted; a directory gets its metadata after everything in it. A crash leaves whole entries,
 * directories with mode 0700 and in them files with mode 0200, and at worst files and empty directories named `.holdfast-restore-…`.
 */
import fs, { type StatsFs } from 'node:fs';
import { HoldfastError } from '@holdfast/core/errors';
import { readNames } from '../../platform/names.js';
import { openAt } from '../../platform/open-file.js';
import { findFolder, locationOf, locationOfFd, openFound, statusAround } from '../../platform/target-folder.js';
import type { Notice } from '../notice.js';
import type { FileEntry } from './file-entry.js';
import { keepsItsMetadata } from './folder-metadata.js';
import type { FolderSet } from './folder-set.js';
import type { NewFileWriters } from './new-file.js';
import type { ConflictMode } from './restore-conflict.js';
import { RestoreDirectory } from './restore-directory.js';
import { NO_JOURNAL, type RestoreJournal } from './restore-journal.js';
import { type RestoreCounts, RestoreRun } from './restore-run.js';

const ROOT = Buffer.alloc(0);

export interface RestoreSettings {
  /** Absolute path of the directory to restore into; made if it is not there. Of links on the way to it, those are followed that nobody else can have put there. */
  readonly target: Buffer;
  readonly onConflict: ConflictMode;
  /** Throws if nothing may be written there. Asked, before anything is made, with where the target lies or will lie. */
  readonly check?: (location: Buffer) => void;
  /** Of what earlier attempts made. Asked for with a path that leads to the opened directory and no other. */
  readonly journal?: (opened: Buffer) => RestoreJournal;
  /** Part of the temporary names beside the target, of all attempts of this restore and of no other: what one that was killed left there goes. */
  readonly mark?: string;
  /** Folders of Holdfast itself: nothing is written into them. */
  readonly never: FolderSet;
  /** The directory of the point that comes to lie at the target, if its metadata are to be set. */
  readonly base?: FileEntry;
  readonly onNotice: (notice: Notice) => void;
  /** Called for each entry that is there now, directories included: `skipped` if it was there already and was left as it is. */
  readonly onSettled?: (outcome: 'restored' | 'skipped') => void;
  /** Where new files are made; here, where absent. */
  readonly writers?: NewFileWriters;
}

export class RestoreWriter {
  private constructor(
    private readonly run: RestoreRun,
    /** The target itself. */
    readonly root: RestoreDirectory,
    private readonly rootClosed: Promise<void>,
    /** This restore or an earlier attempt made the target, or found nothing in it. */
    readonly isOurs: boolean,
  ) {}

  /** Throws what the system says if the target cannot be made or opened, an `UntrustedLinkError`, and Forbidden where it belongs to Holdfast. */
  static open(settings: RestoreSettings): RestoreWriter {
    const { target, onConflict, never, base, onNotice, onSettled, writers } = settings;
    const { fd: targetFd, isNew } = openTarget(settings);
    let rootFd = -1;
    try {
      // Folders on the way may have been moved since.
      if (never.holds(targetFd)) throw ofHoldfast(target);
      // A second one, for the root closes its own when it is settled.
      rootFd = openAt(targetFd, Buffer.from('.'), fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
      // A directory's names are read once from each descriptor, and the root looks for what an attempt before left.
      const isEmpty = readNames(targetFd).length === 0;
      const journal = settings.journal?.(pathOfOpened(targetFd)) ?? NO_JOURNAL;
      const ofPoint = base?.leadsToRoot ? undefined : base;
      const isKept = keepsItsMetadata(rootFd, statusAround(rootFd), ofPoint);
      const isOurs = isNew || (isEmpty && !isKept) || journal.ownsTarget;
      const isChanged = isOurs || (onConflict === 'OVERWRITE' && !isKept);
      const run = new RestoreRun(target, targetFd, onConflict, never, onNotice, journal, onSettled, writers);
      if (ofPoint && !isChanged && (isEmpty || onConflict === 'OVERWRITE')) run.keptMetadata(ROOT);
      const { promise, resolve } = Promise.withResolvers<void>();
      const root = new RestoreDirectory(run, rootFd, ROOT, isChanged ? ofPoint : undefined, true, 'foreign', () =>
        resolve(),
      );
      return new RestoreWriter(run, root, promise, isOurs);
    } catch (error) {
      fs.closeSync(targetFd);
      if (rootFd >= 0) fs.closeSync(rootFd);
      throw error;
    }
  }

  /** Leads to the opened target, whatever its own path leads to by now. */
  get opened(): Buffer {
    return pathOfOpened(this.run.targetFd);
  }

  /** Where the opened target really lies. */
  get location(): Buffer {
    return locationOfFd(this.run.targetFd);
  }

  /** What is left where the target lies. */
  room(): StatsFs {
    return fs.statfsSync(this.opened);
  }

  get counts(): Readonly<RestoreCounts> {
    return this.run.counts;
  }

  /** Leaves every directory that was not left yet. */
  async finish(): Promise<Readonly<RestoreCounts>> {
    try {
      this.root.leaveAll();
      await this.rootClosed;
      this.run.completePostponed();
      await this.run.flushes.finish();
      this.run.journal.flushed();
      return this.run.counts;
    } finally {
      fs.closeSync(this.run.targetFd);
    }
  }

  /** Ends a restore that failed: waits for what is being written, has it flushed, and sets no metadata of directories any more. */
  async abandon(): Promise<void> {
    this.run.abandoned = true;
    try {
      this.root.leaveAll();
      await this.rootClosed;
      // If it cannot be flushed, that is known to the journal, and the restore has failed already.
      await this.run.flushes.finish().then(
        () => this.run.journal.flushed(),
        () => undefined,
      );
    } finally {
      fs.closeSync(this.run.targetFd);
    }
  }
}

function openTarget({ target, never, check, mark }: RestoreSettings): { readonly fd: number; readonly isNew: boolean } {
  const found = findFolder(target);
  try {
    if (never.holds(found.fd)) throw ofHoldfast(target);
    check?.(locationOf(found));
    return openFound(found, 0o755, mark);
  } finally {
    fs.closeSync(found.fd);
  }
}

function pathOfOpened(fd: number): Buffer {
  return Buffer.from(`/proc/self/fd/${fd}`);
}

function ofHoldfast(target: Buffer): HoldfastError {
  return new HoldfastError({
    kind: 'Forbidden',
    code: 'TARGET_BELONGS_TO_HOLDFAST',
    message: `Restores do not write to ${target.toString()}: it belongs to Holdfast itself, as the agent's state or the server's data. Restore to another folder, and put in place by hand what you need.`,
  });
}
