import fs from 'node:fs';
import { promisify } from 'node:util';
import { dataExtents, type Extent } from '../../platform/file-extents.js';
import { type FileStatus, statFd } from '../../platform/file-status.js';
import { PosixError } from '../../platform/posix-error.js';
import type { ScannedEntry } from './file-entry.js';
import { openQuietly, readXattrs, sameStamp, stampOf } from './scan-entry.js';

export interface DataBlock {
  /** Bytes from the file's start. */
  readonly offset: number;
  readonly data: Buffer;
}

export interface ReadOutcome {
  /** Size, times or inode differ from those before reading: what was read may mix two states. */
  readonly changed: boolean;
}

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
const ENOENT = 2;
const readAsync = promisify(fs.read);

/**
 * Opens a regular file of the walk for reading. Throws a `PosixError`; `ENOENT` also if the name has become something else
 * than a file. The caller closes it.
 */
export function openFileContent(entry: ScannedEntry, now: () => number): FileContent {
  if (!entry.parent) throw new TypeError('only a file has content');
  // Not blocking: the name may have become a FIFO.
  const fd = openQuietly(entry.parent.fd, entry.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const status = statFd(fd);
    if (status.type !== 'file') throw new PosixError(ENOENT, 'openat', entry.name.toString());
    const extents = dataExtents(fd, status.size);
    return new FileContent(fd, refresh(entry, status, fd, now), extents, status, now);
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

/** The entry as it is now, for a file that was changed or exchanged since the walk looked at it. */
function refresh(entry: ScannedEntry, status: FileStatus, fd: number, now: () => number): ScannedEntry {
  const stamp = stampOf(status, now());
  if (sameStamp(entry.stamp, stamp)) return entry;
  const { mode, uid, gid, mtimeNs, size } = status;
  // Attributes that cannot be read were reported when the walk met the file.
  const xattrs = readXattrs(fd, () => undefined);
  return { ...entry, mode, uid, gid, mtimeNs, size, xattrs, stamp };
}

export class FileContent {
  constructor(
    private readonly fd: number,
    /** What to store: the metadata that belong to this content. */
    readonly entry: ScannedEntry,
    /** Where data lies; the rest of the file are holes. */
    readonly extents: readonly Extent[],
    private readonly before: FileStatus,
    private readonly now: () => number,
  ) {}

  get hasHoles(): boolean {
    const [first] = this.extents;
    return (
      this.entry.size > 0 && (this.extents.length !== 1 || first?.offset !== 0 || first.length !== this.entry.size)
    );
  }

  /** The whole content at once, without the event loop: for small files. Shorter than the size if the file shrank. */
  readWhole(): Buffer {
    const data = Buffer.allocUnsafe(this.entry.size);
    for (let at = 0; at < data.length; ) {
      const got = fs.readSync(this.fd, data, at, data.length - at, at);
      if (got === 0) return data.subarray(0, at);
      at += got;
    }
    return data;
  }

  /** The data of all extents in order, in blocks of at most `blockBytes`; ends early if the file shrank. */
  async *blocks(blockBytes: number): AsyncGenerator<DataBlock, void, void> {
    for (const extent of this.extents) {
      const end = extent.offset + extent.length;
      for (let offset = extent.offset; offset < end; ) {
        const data = Buffer.allocUnsafeSlow(Math.min(blockBytes, end - offset));
        const { bytesRead } = await readAsync(this.fd, data, 0, data.length, offset);
        if (bytesRead === 0) return;
        yield { offset, data: data.subarray(0, bytesRead) };
        offset += bytesRead;
      }
    }
  }

  /** Ask after reading. */
  outcome(): ReadOutcome {
    const after = stampOf(statFd(this.fd), this.now());
    return { changed: !sameStamp(stampOf(this.before, this.now()), after) };
  }

  close(): void {
    fs.closeSync(this.fd);
  }
}
