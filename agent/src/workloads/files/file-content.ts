import fs from 'node:fs';
import { dataExtents, type Extent } from '../../platform/file-extents.js';
import { type FileStatus, statFd } from '../../platform/file-status.js';
import { PosixError } from '../../platform/posix-error.js';
import type { ChangeStamp, FileEntry, ScannedEntry } from './file-entry.js';
import { openQuietly, readXattrs, sameStamp, stampOf } from './scan-entry.js';

/** A regular file of the walk, as far as opening it takes: plain values, so that another thread can be told of it. */
export interface FileRef {
  /** Of the directory that holds it; good in every thread of the process. */
  readonly dirFd: number;
  readonly name: Buffer;
  readonly stamp: ChangeStamp;
  /** Absent: all of it. */
  readonly section?: FileSection;
}

/** Some of the bytes of a file that is open already. */
export interface FileSection {
  /** Good in every thread of the process; whoever opened it closes it. */
  readonly fd: number;
  readonly from: number;
  /** Infinity: the end of the file, wherever that is by then. */
  readonly to: number;
}

/** What a file that was changed or exchanged since the walk looked at it is now. */
export type FreshMetadata = Pick<FileEntry, 'mode' | 'uid' | 'gid' | 'mtimeNs' | 'size' | 'xattrs'> & {
  readonly stamp: ChangeStamp;
};

export interface ReadOutcome {
  /** Size, times or inode differ from those before reading: what was read may mix two states. */
  readonly changed: boolean;
}

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
const ENOENT = 2;
const BLOCK_UNIT_BYTES = 512;

export function fileRefOf({ parent, name, stamp }: ScannedEntry): FileRef {
  if (!parent) throw new TypeError('only a file has content');
  return { dirFd: parent.fd, name, stamp };
}

/**
 * Opens a regular file of the walk for reading. Throws a `PosixError`; `ENOENT` also if the name has become something else
 * than a file. The caller closes it.
 */
export function openFile({ dirFd, name }: FileRef): number {
  // Not blocking: the name may have become a FIFO.
  const fd = openQuietly(dirFd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    if (statFd(fd).type !== 'file') throw new PosixError(ENOENT, 'openat', name.toString());
    return fd;
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

/** Opens what is meant of a file, if it is not open already, as `openFile` does. The caller closes it. */
export function openFileContent(ref: FileRef, now: () => number): FileContent {
  const fd = ref.section?.fd ?? openFile(ref);
  try {
    const status = statFd(fd);
    return new FileContent(fd, ref, status, refresh(ref, status, fd, now), now);
  } catch (error) {
    if (ref.section === undefined) fs.closeSync(fd);
    throw error;
  }
}

/** A file with as much space as it has bytes has no holes, and need not be asked for them. */
function extentsOf(fd: number, { size, blocks }: FileStatus, from: number, to: number): readonly Extent[] {
  if (from >= to) return [];
  return blocks * BLOCK_UNIT_BYTES >= size ? [{ offset: from, length: to - from }] : dataExtents(fd, from, to);
}

function refresh(ref: FileRef, status: FileStatus, fd: number, now: () => number): FreshMetadata | undefined {
  const stamp = stampOf(status, now());
  if (sameStamp(ref.stamp, stamp)) return undefined;
  const { mode, uid, gid, mtimeNs, size } = status;
  // Attributes that cannot be read were reported when the walk met the file.
  return { mode, uid, gid, mtimeNs, size, xattrs: readXattrs(fd, () => undefined), stamp };
}

export class FileContent {
  /** Of the file, or where the section of it ends that is meant. */
  readonly size: number;
  /** Where data lies; the rest are holes. */
  readonly extents: readonly Extent[];

  constructor(
    private readonly fd: number,
    private readonly ref: FileRef,
    private readonly before: FileStatus,
    /** The metadata that belong to this content, where they are no longer those of the walk. */
    readonly fresh: FreshMetadata | undefined,
    private readonly now: () => number,
  ) {
    const { from, to } = ref.section ?? { from: 0, to: Number.POSITIVE_INFINITY };
    this.size = Math.min(before.size, to);
    this.extents = extentsOf(fd, before, from, this.size);
  }

  get hasHoles(): boolean {
    const [first] = this.extents;
    return this.size > 0 && (this.extents.length !== 1 || first?.offset !== 0 || first.length !== this.size);
  }

  /** Fills the buffer from this offset as far as the file goes; returns how many bytes that were. Waits for the disk. */
  read(into: Buffer, offset: number): number {
    let at = 0;
    while (at < into.length) {
      const got = fs.readSync(this.fd, into, at, into.length - at, offset + at);
      if (got === 0) break;
      at += got;
    }
    return at;
  }

  /** Ask after reading. */
  outcome(): ReadOutcome {
    const after = stampOf(statFd(this.fd), this.now());
    return { changed: !sameStamp(stampOf(this.before, this.now()), after) };
  }

  close(): void {
    if (this.ref.section === undefined) fs.closeSync(this.fd);
  }
}
