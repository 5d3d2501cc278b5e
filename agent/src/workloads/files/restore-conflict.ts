import fs from 'node:fs';
import { type FileStatus, statAtIfExists, statFd } from '../../platform/file-status.js';
import { readLinkAt, readNames } from '../../platform/names.js';
import { O_PATH, openAt } from '../../platform/open-file.js';
import { findFolder } from '../../platform/target-folder.js';
import { isHeldByUs } from '../../platform/workshop.js';
import { type FileEntry, joinPath } from './file-entry.js';
import { JournalledDirectory, type RestoreJournal, type Standing } from './restore-journal.js';

/**
 * What happens when something stands where an entry shall come to lie. Nothing that the recovery point does not have is ever
 * deleted, and a directory that is there is always merged with the one restored.
 *
 *   FAIL       the restore ends with a `RestoreConflictError`. `ConflictProbe` finds the conflict before
 *              anything is written; one that arises later ends the restore where it is.
 *   SKIP       what is there stays and is counted; a directory's whole subtree is skipped, with a notice, if something
 *              else has its name.
 *   OVERWRITE  what is there is replaced, in one step. A directory gives way to something else only if it is empty; another stays,
 *              and the entry is skipped, with a notice.
 *   KEEP_BOTH  what is there stays, and the restored entry gets a free name beside it: `a (restored).txt`,
 *              `a (restored 2).txt`, …; unless one of those that are there is the same (`mayBeTwin`): then that is counted, and enough.
 *
 * A directory that was there keeps its own metadata, except under OVERWRITE, and except the target itself if it was empty; in both cases
 * not where others can have put it there, unless they share the folder around it and what it gets gives nobody more. OVERWRITE closes such a
 * one to those whom the point keeps out.
 */
export type ConflictMode = 'FAIL' | 'SKIP' | 'OVERWRITE' | 'KEEP_BOTH';

/** Under FAIL: something is in the way. */
export class RestoreConflictError extends Error {
  override readonly name = 'RestoreConflictError';

  constructor(readonly path: Buffer) {
    super(`there is already something at ${path.toString()}`);
  }
}

const ROOT = Buffer.alloc(0);
const HERE = Buffer.from('.');
const MAX_NAME_BYTES = 255;
const MAX_EXTENSION_BYTES = 16;

/** The nth other name for KEEP_BOTH, counted from 1, never longer than a name may be. */
export function alternativeName(name: Buffer, n: number): Buffer {
  const dot = name.lastIndexOf(0x2e);
  const hasExtension = dot > 0 && name.length - dot <= MAX_EXTENSION_BYTES;
  const extension = hasExtension ? name.subarray(dot) : Buffer.alloc(0);
  const mark = Buffer.from(n === 1 ? ' (restored)' : ` (restored ${n})`);
  const stem = name.subarray(
    0,
    Math.min(name.length - extension.length, MAX_NAME_BYTES - mark.length - extension.length),
  );
  return Buffer.concat([stem, mark, extension]);
}

/** What an earlier attempt did with the entry of which something has the name. */
export function findEarlier(
  journal: JournalledDirectory,
  folder: number,
  name: Buffer,
  status: FileStatus,
  entry: FileEntry,
): 'complete' | 'made' | undefined {
  const found = journal.find(name, status, entry);
  return found === 'complete' && !isWhatItWas(folder, name, status, entry) ? undefined : found;
}

/** What only fits may be somebody else's: where a link leads, and which device it is, is quickly asked. */
export function isWhatItWas(folder: number, name: Buffer, status: FileStatus, entry: FileEntry): boolean {
  switch (entry.type) {
    case 'symlink':
      return readLinkAt(folder, name).equals(entry.linkTarget ?? Buffer.alloc(0));
    case 'characterDevice':
    case 'blockDevice':
      return status.deviceMajor === entry.device?.major && status.deviceMinor === entry.device.minor;
    default:
      return true;
  }
}

/** Looks, without writing, whether a restore under FAIL would meet anything. Follow it with the restore's own entries. */
export class ConflictProbe {
  private readonly journal: JournalledDirectory;

  private constructor(
    private readonly fd: number,
    private readonly target: Buffer,
    /** Relative to the target. */
    private readonly path: Buffer,
    private readonly run: RestoreJournal,
    standing: Standing,
  ) {
    this.journal = new JournalledDirectory(run, path, standing);
  }

  /**
   * Undefined if there is no such directory, or nothing in it, so that nothing can be in the way.
   *
   * @param journalOf asked with a path that leads to the opened directory and no other
   */
  static open(target: Buffer, journalOf: (opened: Buffer) => RestoreJournal): ConflictProbe | undefined {
    const { fd, missing } = findFolder(target);
    try {
      if (missing.length === 0 && !isEmptyFolder(fd, HERE))
        return new ConflictProbe(fd, target, ROOT, journalOf(Buffer.from(`/proc/self/fd/${fd}`)), 'foreign');
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
    fs.closeSync(fd);
    return undefined;
  }

  /** Throws a `RestoreConflictError` if the entry, which is not a directory, would meet something. */
  check(entry: FileEntry): void {
    const existing = statAtIfExists(this.fd, entry.name);
    if (existing && !findEarlier(this.journal, this.fd, entry.name, existing, entry)) throw this.conflict(entry);
  }

  /** The probe for what lies below a directory, which the caller closes; undefined if nothing is there yet. */
  directory(entry: FileEntry): ConflictProbe | undefined {
    const existing = statAtIfExists(this.fd, entry.name);
    if (existing === undefined) return undefined;
    if (existing.type !== 'directory') throw this.conflict(entry);
    const { O_DIRECTORY, O_NOFOLLOW } = fs.constants;
    const fd = openAt(this.fd, entry.name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    return new ConflictProbe(fd, this.target, this.below(entry.name), this.run, this.standingOf(entry, statFd(fd)));
  }

  close(): void {
    fs.closeSync(this.fd);
  }

  private standingOf({ name }: FileEntry, status: FileStatus): Standing {
    if (this.journal.wasMade(name, status)) return isHeldByUs(status) ? 'held' : 'finished';
    return this.journal.isInFinished ? 'finished' : 'foreign';
  }

  private below(name: Buffer): Buffer {
    return this.path.length === 0 ? name : joinPath(this.path, name);
  }

  private conflict(entry: FileEntry): RestoreConflictError {
    return new RestoreConflictError(joinPath(this.target, this.below(entry.name)));
  }
}

/** False also where that cannot be seen. */
export function isEmptyFolder(parent: number, name: Buffer): boolean {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;
  let fd: number;
  try {
    fd = openAt(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch {
    return false;
  }
  try {
    return readNames(fd).length === 0;
  } finally {
    fs.closeSync(fd);
  }
}
