import { hash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { FileIdentity, FileStatus } from '../../platform/file-status.js';
import { type FileEntry, joinPath } from './file-entry.js';
import { INCOMPLETE_MODE } from './new-file.js';

/**
 * What a restore has made in its target, so that one that goes on after a crash, or after the disk was full, knows its own work
 * from everybody else's. A hint: what cannot be kept or read is as good as unknown, and what is not known is somebody else's.
 */
export interface RestoreJournal {
  /** Part of the temporary names of all attempts that share this journal, and of no others'. */
  readonly mark: string;
  /** There was an attempt before this one. */
  readonly continues: boolean;
  /** The system was started anew before what was made was flushed, or could not flush it: a name can have outlived its content. */
  readonly isUnsure: boolean;
  /** An earlier attempt made the target, or found nothing in it. */
  readonly ownsTarget: boolean;
  /** Whether it is this that an earlier attempt gave the path, relative to the target: what somebody else puts there is not. */
  has(path: Buffer, what: Made): boolean;
  /** What was made is about to get its path. */
  willName(path: Buffer, what: Made): void;
  /** The system could not flush what was made: it tells that once, and a later attempt would not hear of it. */
  distrust(): void;
  /** Everything that was made is on the disk. */
  flushed(): void;
}

export type Made = Pick<FileStatus, 'type' | keyof FileIdentity>;

export const NO_JOURNAL: RestoreJournal = {
  mark: '',
  continues: false,
  isUnsure: false,
  ownsTarget: false,
  has: () => false,
  willName: () => undefined,
  distrust: () => undefined,
  flushed: () => undefined,
};

/** Others are not everybody's to set. */
const PERMISSIONS = 0o777;

/**
 * What of a directory an attempt may take for its own. `held`: a restore made it, and nobody else gives or takes names in it; so all that is in it
 * is ours. `finished`: a restore made it, or it is where one made a directory, but others may hold it by now: what fits stays as it is, and counts;
 * where its content may be lost, it is made again, for whoever could put another there could also have removed it. `foreign`: any other.
 * In both of these, what is to be changed otherwise must have its record.
 */
export type Standing = 'held' | 'finished' | 'foreign';

/** What the journal knows of one directory. */
export class JournalledDirectory {
  constructor(
    private readonly journal: RestoreJournal,
    /** Relative to the target. */
    private readonly path: Buffer,
    private readonly standing: Standing,
  ) {}

  /** Links lead into other directories, so they have theirs everywhere. */
  needsRecord(entry: Pick<FileEntry, 'hardLinkGroup'>): boolean {
    return this.standing !== 'held' || entry.hardLinkGroup !== undefined;
  }

  /** To be called when something is made, and before it has its name. */
  willName(name: Buffer, what: Made): void {
    this.journal.willName(this.below(name), what);
  }

  /** Whether an earlier attempt made what was found at the name. */
  wasMade(name: Buffer, what: Made): boolean {
    if (!this.journal.continues || what.type === 'unknown') return false;
    return this.standing === 'held' || this.journal.has(this.below(name), what);
  }

  /** Whether a directory that was found here, and is not known, may be one of those that lay in what an earlier attempt made. */
  get isInFinished(): boolean {
    return this.journal.continues && this.standing === 'finished';
  }

  /** What an earlier attempt did with an entry: it is `complete`, or `made` and perhaps not all of it is there. Undefined: not its work, or changed since. */
  find(name: Buffer, status: FileStatus, entry: FileEntry): 'complete' | 'made' | undefined {
    const wasMade = this.wasMade(name, status);
    if ((!wasMade && !this.isInFinished) || status.type !== entry.type) return undefined;
    if (entry.type === 'directory') return 'complete';
    const { isUnsure } = this.journal;
    if (this.standing === 'held' && status.type === 'file' && status.mode === INCOMPLETE_MODE) return 'made';
    if (!isSameTime(status.mtimeNs, entry.mtimeNs)) return undefined;
    if (entry.type !== 'symlink' && (status.mode ^ entry.mode) & PERMISSIONS) return undefined;
    if (isUnsure && !wasMade && !isLikeMade(status, entry)) return undefined;
    const hasSize = entry.type !== 'file' || status.size === entry.size || (isUnsure && status.size < entry.size);
    if (!hasSize) return undefined;
    return isUnsure ? 'made' : 'complete';
  }

  private below(name: Buffer): Buffer {
    return this.path.length === 0 ? name : joinPath(this.path, name);
  }
}

/** Two ids of 36 characters, and what they are. */
const HEAD_BYTES = 128;
const RECORD_BYTES = 8;
/** A tree of thirty million entries; of a larger one, nothing is known. */
const MAX_BYTES = 256 * 1024 * 1024;
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/**
 * A journal in a file: a head of text, then eight bytes of a hash for each path and what was given it (type, device, inode, time of birth), in the order in
 * which they were made. Each is there before the path is; nothing is flushed to disk, so what a power cut takes is not known any more.
 */
export class FileJournal implements RestoreJournal {
  readonly mark: string;
  readonly continues: boolean;
  readonly isUnsure: boolean;
  /** Sorted. */
  private readonly earlier: BigUint64Array;
  private head: Head;
  private fd = -1;

  constructor(
    private readonly file: string,
    private readonly jobId: string,
  ) {
    const known = read(file, jobId);
    this.head = known?.head ?? { boot: bootId(), done: '' };
    this.mark = `${path.basename(file)}-`;
    this.continues = known !== undefined;
    this.earlier = known?.records ?? new BigUint64Array(0);
    this.isUnsure = known !== undefined && known.head.boot !== FLUSHED && known.head.boot !== bootId();
  }

  get ownsTarget(): boolean {
    return this.knows(OF_TARGET);
  }

  has(at: Buffer, what: Made): boolean {
    return this.knows(recordOf(at, what));
  }

  private knows(record: Buffer): boolean {
    const wanted = record.readBigUInt64LE();
    let low = 0;
    let high = this.earlier.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.earlier[middle] as bigint) < wanted) low = middle + 1;
      else high = middle;
    }
    return this.earlier[low] === wanted;
  }

  /** From now on it is kept what is made. */
  begin(ownsTarget: boolean): void {
    try {
      const { O_WRONLY, O_CREAT, O_APPEND, O_TRUNC } = fs.constants;
      this.fd = fs.openSync(this.file, O_WRONLY | O_CREAT | O_APPEND | (this.continues ? 0 : O_TRUNC), 0o600);
      if (!this.continues) fs.writeSync(this.fd, encoded(this.head));
      // Part of a record, which an earlier attempt could not write whole, would shift all that come after it.
      else fs.ftruncateSync(this.fd, HEAD_BYTES + this.earlier.length * RECORD_BYTES);
      if (this.head.boot === FLUSHED) this.startAnew();
    } catch {
      this.close();
    }
    if (ownsTarget) this.add(OF_TARGET);
  }

  /** On the disk before anything is made: otherwise a power cut would leave it said that all of it is there. */
  private startAnew(): void {
    this.rewrite({ ...this.head, boot: bootId() });
    try {
      fs.fsyncSync(this.fd);
    } catch (error) {
      fs.rmSync(this.file, { force: true });
      throw error;
    }
  }

  willName(at: Buffer, what: Made): void {
    if (this.fd >= 0) this.add(recordOf(at, what));
  }

  private add(record: Buffer): void {
    if (this.fd < 0) return;
    try {
      if (fs.writeSync(this.fd, record, 0, RECORD_BYTES) !== RECORD_BYTES) this.close();
    } catch {
      this.close();
    }
  }

  distrust(): void {
    this.rewrite({ ...this.head, boot: UNSURE });
  }

  flushed(): void {
    // Of what an earlier attempt made, not all may have been made again.
    if (!this.isUnsure && this.head.boot !== UNSURE) this.rewrite({ ...this.head, boot: FLUSHED });
  }

  /** Everything is restored: whoever restores again meets what is there, but for this job, whose end may be lost on its way to the server. */
  end(): void {
    this.rewrite({ ...this.head, done: this.jobId });
  }

  private rewrite(head: Head): void {
    this.head = head;
    try {
      // The other descriptor adds to the end.
      const fd = fs.openSync(this.file, 'r+');
      try {
        fs.writeSync(fd, encoded(head), 0, HEAD_BYTES, 0);
      } finally {
        fs.closeSync(fd);
      }
    } catch {
      // Then nothing is known of what was made.
      fs.rmSync(this.file, { force: true });
    }
  }

  close(): void {
    if (this.fd >= 0) fs.closeSync(this.fd);
    this.fd = -1;
  }
}

/** Paths are relative and have names, so this is none. What the journal is called tells which target it is. */
const OF_TARGET = hash('sha256', 'target', 'buffer');

function recordOf(at: Buffer, { type, dev, ino, birthNs }: Made): Buffer {
  // No path has the byte that ends it here.
  return hash('sha256', Buffer.concat([at, Buffer.from(`\0${type} ${dev} ${ino} ${birthNs ?? '-'}`)]), 'buffer');
}

/** Instead of a run of the system: what was made is on the disk, or may never come there. */
const FLUSHED = 'flushed';
const UNSURE = 'unsure';

interface Head {
  /** Run of the system in which something was made that was not flushed since. */
  readonly boot: string;
  /** The job that restored everything; empty as long as none did. */
  readonly done: string;
}

function encoded({ boot, done }: Head): Buffer {
  const head = Buffer.alloc(HEAD_BYTES, ' ');
  head.write(`holdfast-restore 2 ${boot} ${done || '-'}`);
  head.write('\n', HEAD_BYTES - 1);
  return head;
}

interface Known {
  readonly head: Head;
  /** Sorted. */
  readonly records: BigUint64Array;
}

function read(file: string, jobId: string): Known | undefined {
  try {
    if (fs.statSync(file).size > MAX_BYTES) return undefined;
    const bytes = fs.readFileSync(file);
    const [kind, version, boot, ended] = bytes.toString('latin1', 0, HEAD_BYTES).trimEnd().split(' ');
    if (kind !== 'holdfast-restore' || version !== '2' || boot === undefined || ended === undefined) return undefined;
    const done = ended === '-' ? '' : ended;
    if (done !== '' && done !== jobId) return undefined;
    const records = new BigUint64Array(Math.floor((bytes.length - HEAD_BYTES) / RECORD_BYTES));
    for (let i = 0; i < records.length; i++) records[i] = bytes.readBigUInt64LE(HEAD_BYTES + i * RECORD_BYTES);
    return { head: { boot, done }, records: records.sort() };
  } catch {
    return undefined;
  }
}

/** Somebody who gave it another owner, or another name beside this one, may also have written to it: its content is not lost then. */
function isLikeMade({ uid, gid, nlink }: FileStatus, entry: FileEntry): boolean {
  const isOwned = (uid === entry.uid && gid === entry.gid) || uid === process.geteuid?.();
  return isOwned && (nlink === 1 || entry.hardLinkGroup !== undefined);
}

/** What file systems cut times to, in nanoseconds. */
const TIME_STEPS = [100n, 1_000n, 1_000_000n, 1_000_000_000n, 2_000_000_000n];

/** Whether a file system that was told one time may say the other. */
function isSameTime(said: bigint, told: bigint): boolean {
  if (said === told) return true;
  return said < told && TIME_STEPS.some((step) => told - said < step && said % step === 0n);
}

/** Changes with every start of the system. */
function bootId(): string {
  try {
    return fs.readFileSync(BOOT_ID, 'latin1').trim();
  } catch {
    return 'unknown';
  }
}
