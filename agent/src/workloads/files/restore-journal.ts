import { hash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { FileStatus } from '../../platform/file-status.js';
import { type EntryType, type FileEntry, joinPath, SLASH } from './file-entry.js';
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
  /** The system was started anew since the first attempt, or could not flush what was made: a name can have outlived its content. */
  readonly isUnsure: boolean;
  /** Whether an earlier attempt made what has this path, relative to the target, where there was nothing. */
  has(path: Buffer, type: EntryType): boolean;
  /** Something is about to be made where there was nothing, in a directory that no attempt made. */
  willMake(path: Buffer, type: EntryType): void;
  /** The system could not flush what was made: it tells that once, and a later attempt would not hear of it. */
  distrust(): void;
}

export const NO_JOURNAL: RestoreJournal = {
  mark: '',
  continues: false,
  isUnsure: false,
  has: () => false,
  willMake: () => undefined,
  distrust: () => undefined,
};

/** Others are not everybody's to set. */
const PERMISSIONS = 0o777;

/** What the journal knows of one directory: of one that a restore made, everything in it is its own, as long as it looks as it was left. */
export class JournalledDirectory {
  constructor(
    private readonly journal: RestoreJournal,
    /** Relative to the target. */
    private readonly path: Buffer,
    /** This attempt or an earlier one made it. */
    private readonly isOurs: boolean,
  ) {}

  /** To be called before something is made where there was nothing. */
  willMake(name: Buffer, type: EntryType): void {
    if (!this.isOurs) this.journal.willMake(this.below(name), type);
  }

  /** Whether an earlier attempt made what stands at the name. */
  wasMade(name: Buffer, { type }: FileStatus): boolean {
    if (!this.journal.continues || type === 'unknown') return false;
    return this.isOurs || this.journal.has(this.below(name), type);
  }

  /** What an earlier attempt did with an entry: it is `complete`, or `made` and perhaps not all of it is there. Undefined: not its work, or changed since. */
  find(name: Buffer, status: FileStatus, entry: FileEntry): 'complete' | 'made' | undefined {
    if (!this.wasMade(name, status) || status.type !== entry.type) return undefined;
    if (entry.type === 'directory') return 'complete';
    const { isUnsure } = this.journal;
    if (this.isOurs && status.type === 'file' && status.mode === INCOMPLETE_MODE) return 'made';
    if (!isSameTime(status.mtimeNs, entry.mtimeNs)) return undefined;
    if (entry.type !== 'symlink' && (status.mode ^ entry.mode) & PERMISSIONS) return undefined;
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
 * A journal in a file: a head of text, then eight bytes of a hash for each path, in the order in which they were made. The hash of a
 * directory's path is another one than that of a file. Each is there before what it stands for; nothing is flushed to disk, so what a
 * power cut takes is not known any more.
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
    this.isUnsure = known !== undefined && known.head.boot !== bootId();
  }

  has(at: Buffer, type: EntryType): boolean {
    if (this.earlier.length === 0) return false;
    const wanted = recordOf(at, type).readBigUInt64LE();
    let low = 0;
    let high = this.earlier.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.earlier[middle] as bigint) < wanted) low = middle + 1;
      else high = middle;
    }
    return this.earlier[low] === wanted;
  }

  /** From now on it is kept what is made. `wasEmpty`: so far, there is nothing in the target. */
  begin(wasEmpty: boolean): void {
    try {
      const { O_WRONLY, O_CREAT, O_APPEND, O_TRUNC } = fs.constants;
      this.fd = fs.openSync(this.file, O_WRONLY | O_CREAT | O_APPEND | (this.continues ? 0 : O_TRUNC), 0o600);
      if (!this.continues) fs.writeSync(this.fd, encoded(this.head));
    } catch {
      this.close();
    }
    if (wasEmpty) this.willMake(Buffer.alloc(0), 'directory');
  }

  willMake(at: Buffer, type: EntryType): void {
    if (this.fd < 0) return;
    try {
      // Part of a record would shift all that come after it.
      if (fs.writeSync(this.fd, recordOf(at, type), 0, RECORD_BYTES) !== RECORD_BYTES) this.close();
    } catch {
      this.close();
    }
  }

  distrust(): void {
    this.rewrite({ ...this.head, boot: 'unsure' });
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

function recordOf(at: Buffer, type: EntryType): Buffer {
  return hash('sha256', type === 'directory' ? Buffer.concat([at, SLASH]) : at, 'buffer');
}

interface Head {
  /** Run of the system in which the first attempt began. */
  readonly boot: string;
  /** The job that restored everything; empty as long as none did. */
  readonly done: string;
}

function encoded({ boot, done }: Head): Buffer {
  const head = Buffer.alloc(HEAD_BYTES, ' ');
  head.write(`holdfast-restore 1 ${boot} ${done || '-'}`);
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
    if (kind !== 'holdfast-restore' || version !== '1' || boot === undefined || ended === undefined) return undefined;
    const done = ended === '-' ? '' : ended;
    if (done !== '' && done !== jobId) return undefined;
    const records = new BigUint64Array(Math.floor((bytes.length - HEAD_BYTES) / RECORD_BYTES));
    for (let i = 0; i < records.length; i++) records[i] = bytes.readBigUInt64LE(HEAD_BYTES + i * RECORD_BYTES);
    return { head: { boot, done }, records: records.sort() };
  } catch {
    return undefined;
  }
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
