import type { FileType } from '../../platform/file-status.js';

export type EntryType = Exclude<FileType, 'unknown'>;

export interface ExtendedAttribute {
  readonly name: Buffer;
  readonly value: Buffer;
}

/** One entry of a directory, as a recovery point keeps it. */
export interface FileEntry {
  /** Raw bytes; empty for the virtual root alone. */
  readonly name: Buffer;
  readonly type: EntryType;
  /** Permission bits with setuid, setgid and sticky (07777). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Nanoseconds since 1970, negative before. */
  readonly mtimeNs: bigint;
  /** Sorted by name. */
  readonly xattrs: readonly ExtendedAttribute[];
  /** Of a file: apparent size in bytes; 0 for everything else. */
  readonly size: number;
  /** Of a symbolic link: its raw target. */
  readonly linkTarget?: Buffer;
  /** Of a device node. */
  readonly device?: { readonly major: number; readonly minor: number };
  /** Of anything with several links: path of the group's first member in walk order. */
  readonly hardLinkGroup?: Buffer;
  /** A directory that only leads to a root: its metadata are placeholders and are not restored. */
  readonly leadsToRoot?: true;
  /** In a restore: the directory only leads to what is restored, and gets its metadata only where it has to be made. */
  readonly leadsToSelection?: true;
}

/** What tells whether an entry may have changed since it was read. */
export interface ChangeStamp {
  /** Of the entry: file systems of other machines need not move the time of the last change for these. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
  /**
   * False if the file changed so shortly before it was looked at that a later change could carry the same times; such a
   * stamp proves nothing.
   */
  readonly settled: boolean;
}

/** An entry as the walk finds it on the host. */
export interface ScannedEntry extends FileEntry {
  readonly stamp: ChangeStamp;
  /** The directory that holds it; undefined for the virtual root. */
  readonly parent: ScannedDirectory | undefined;
}

/** A directory of the walk. */
export interface ScannedDirectory {
  /** Absolute, raw bytes. */
  readonly path: Buffer;
  /** Good until the batch after the one with the directory's end is asked for; -1 for one that could not be opened. */
  readonly fd: number;
}

export function joinPath(directory: Buffer, name: Buffer): Buffer {
  if (name.length === 0) return directory;
  return Buffer.concat(directory.equals(SLASH) ? [directory, name] : [directory, SLASH, name]);
}

export function entryPath(entry: ScannedEntry): Buffer {
  return entry.parent ? joinPath(entry.parent.path, entry.name) : SLASH;
}

export const SLASH = Buffer.from('/');

/** Whether the bytes can be one name in a directory: not empty, no `/`, no NUL, neither `.` nor `..`. */
export function isName(name: Buffer): boolean {
  if (name.length === 0 || name.includes(0) || name.includes(0x2f)) return false;
  return !(name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e)));
}
