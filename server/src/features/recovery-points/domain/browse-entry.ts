export type EntryType = 'FILE' | 'DIRECTORY' | 'SYMLINK' | 'FIFO' | 'SOCKET' | 'CHARACTER_DEVICE' | 'BLOCK_DEVICE';

export interface EntryMetadata {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Milliseconds since 1970, UTC; may be negative. */
  readonly modifiedAt: number;
}

/** One name in a directory of a point. Paths are raw bytes. */
export interface BrowseEntry {
  readonly name: Buffer;
  readonly path: Buffer;
  readonly type: EntryType;
  readonly size: bigint;
  /** Absent for a directory that was not backed up itself, but only leads to what was. */
  readonly metadata?: EntryMetadata;
  readonly linkTarget?: Buffer;
}
