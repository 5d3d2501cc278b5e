import { hash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { FileStatus } from '../../platform/file-status.js';
import { type FileEntry, SLASH } from './file-entry.js';

/**
 * What a restore has made in its target, so that one that goes on after a crash, or after the disk was full, knows its own work
 * from everybody else's. A hint: what cannot be kept or read is as good as unknown, and what is not known is somebody else's.
 */
export interface RestoreJournal {
  /** Part of the temporary names of all attempts that share this journal, and of no others'. */
  readonly mark: string;
  /** There was an attempt before this one. */
  readonly continues: boolean;
  /** Everything in the target was made by an attempt of this very job before this one. */
  readonly ownsAll: boolean;
  /**
   * What an earlier attempt did with an entry at a path, which is relative to the target, given what stands there now: it is `complete`, or `made`
   * and perhaps not all of it outlived the system's crash. Undefined: that is not its work, or was changed since.
   */
  find(at: Buffer, existing: FileStatus, entry: Expected): 'complete' | 'made' | undefined;
  /** Something is about to be made where there was nothing. Known to later attempts only once it is flushed. */
  willMake(at: Buffer, type: FileEntry['type']): void;
  flush(): void;
}

type Expected = Pick<FileEntry, 'type' | 'mode' | 'size' | 'mtimeNs'>;

export const NO_JOURNAL: RestoreJournal = {
  mark: '',
  continues: false,
  ownsAll: false,
  find: () => undefined,
  willMake: () => undefined,
  flush: () => undefined,
};

/** Whoever begins, in which run of the system, and whether there was nothing in the target. */
const HEAD_BYTES = 128;
const RECORD_BYTES = 8;
/** A tree of thirty million entries; of a larger one, nothing is known. */
const MAX_BYTES = 256 * 1024 * 1024;
const BUFFERED_RECORDS = 1_024;
/** Others are not everybody's to set. */
const PERMISSIONS = 0o777;
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/**
 * A journal in a file: a head, then eight bytes of a hash for each path, in the order in which they were made. The hash of a
 * directory's path is another one than that of a file. Nothing is flushed to disk: what a power cut takes is not known any more.
 */
export class FileJournal implements RestoreJournal {
  readonly mark: string;
  readonly continues: boolean;
  readonly ownsAll: boolean;
  /** Sorted. */
  private readonly earlier: BigUint64Array;
  private readonly isThisBoot: boolean;
  private fd = -1;
  private readonly buffer = Buffer.alloc(BUFFERED_RECORDS * RECORD_BYTES);
  private used = 0;

  constructor(
    private readonly file: string,
    private readonly jobId: string,
  ) {
    const known = read(file);
    this.mark = `${path.basename(file)}-`;
    this.continues = known !== undefined;
    this.earlier = known?.records ?? new BigUint64Array(0);
    this.isThisBoot = known?.bootId === bootId();
    this.ownsAll = known?.owner === jobId;
  }

  find(at: Buffer, existing: FileStatus, entry: Expected): 'complete' | 'made' | undefined {
    if (existing.type !== entry.type || !this.has(at, entry.type)) return undefined;
    if (entry.type === 'directory') return 'complete';
    if (existing.mtimeNs !== entry.mtimeNs) return undefined;
    if (entry.type !== 'symlink' && (existing.mode ^ entry.mode) & PERMISSIONS) return undefined;
    if (entry.type !== 'file') return this.isThisBoot ? 'complete' : 'made';
    if (this.isThisBoot) return existing.size === entry.size ? 'complete' : undefined;
    // Of a file that was not flushed, the name can outlive its content.
    return existing.size <= entry.size ? 'made' : undefined;
  }

  /** From now on it is kept what is made. `wasEmpty`: so far, there is nothing in the target. */
  begin(wasEmpty: boolean): void {
    try {
      const { O_WRONLY, O_CREAT, O_APPEND, O_TRUNC } = fs.constants;
      this.fd = fs.openSync(this.file, O_WRONLY | O_CREAT | O_APPEND | (this.continues ? 0 : O_TRUNC), 0o600);
      if (!this.continues) fs.writeSync(this.fd, headOf(wasEmpty ? this.jobId : '', bootId()));
    } catch {
      this.stop();
    }
    if (wasEmpty) this.willMake(Buffer.alloc(0), 'directory');
  }

  willMake(at: Buffer, type: FileEntry['type']): void {
    if (this.fd < 0) return;
    if (this.used === this.buffer.length) this.flush();
    recordOf(at, type).copy(this.buffer, this.used, 0, RECORD_BYTES);
    this.used += RECORD_BYTES;
  }

  flush(): void {
    if (this.used === 0 || this.fd < 0) return;
    try {
      // Part of a record would shift all that come after it.
      if (fs.writeSync(this.fd, this.buffer, 0, this.used) !== this.used) this.stop();
    } catch {
      this.stop();
    }
    this.used = 0;
  }

  /** Everything is restored: whoever restores again meets what is there. */
  end(): void {
    fs.rmSync(this.file, { force: true });
  }

  close(): void {
    this.flush();
    this.stop();
  }

  private stop(): void {
    if (this.fd >= 0) fs.closeSync(this.fd);
    this.fd = -1;
  }

  private has(at: Buffer, type: FileEntry['type']): boolean {
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
}

function recordOf(at: Buffer, type: FileEntry['type']): Buffer {
  return hash('sha256', type === 'directory' ? Buffer.concat([at, SLASH]) : at, 'buffer');
}

function headOf(owner: string, boot: string): Buffer {
  const head = Buffer.alloc(HEAD_BYTES, ' ');
  head.write(`holdfast-restore 1 ${boot} ${owner}`);
  head.write('\n', HEAD_BYTES - 1);
  return head;
}

interface Known {
  readonly bootId: string;
  /** The job that found nothing in the target; empty where there was something. */
  readonly owner: string;
  readonly records: BigUint64Array;
}

function read(file: string): Known | undefined {
  try {
    if (fs.statSync(file).size > MAX_BYTES) return undefined;
    const bytes = fs.readFileSync(file);
    const [kind, version, boot, owner] = bytes.toString('latin1', 0, HEAD_BYTES).trimEnd().split(' ');
    if (kind !== 'holdfast-restore' || version !== '1' || boot === undefined) return undefined;
    const records = new BigUint64Array(Math.floor((bytes.length - HEAD_BYTES) / RECORD_BYTES));
    for (let i = 0; i < records.length; i++) records[i] = bytes.readBigUInt64LE(HEAD_BYTES + i * RECORD_BYTES);
    return { bootId: boot, owner: owner ?? '', records: records.sort() };
  } catch {
    return undefined;
  }
}

/** Changes with every start of the system. */
function bootId(): string {
  try {
    return fs.readFileSync(BOOT_ID, 'latin1').trim();
  } catch {
    return 'unknown';
  }
}
