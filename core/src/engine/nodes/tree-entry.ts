import { EntryDefect, EntryType } from '@holdfast/proto/vault';
import { KIB, MIB } from '../format/limits.js';

/** What an entry's content hangs on: a data chunk that is the whole file, or a node. */
export interface ContentRef {
  readonly kind: 'chunk' | 'node';
  readonly id: Buffer;
}

export interface ExtendedAttribute {
  readonly name: Buffer;
  readonly value: Buffer;
}

/** One name in a directory, with everything that a restore needs. Bytes are raw, as the file system has them. */
export interface TreeEntry {
  readonly name: Buffer;
  readonly type: EntryType;
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, may be negative; and 0 to 999,999,999. */
  readonly mtimeSeconds: number;
  readonly mtimeNanos: number;
  /** FILE: apparent size in bytes. */
  readonly size: number;
  /** SYMLINK. */
  readonly linkTarget: Buffer;
  /** Devices. */
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Ascending by name, no name twice. */
  readonly xattrs: readonly ExtendedAttribute[];
  /** FILE: absent for an empty file, one of holes alone, or one that could not be read. DIRECTORY: its node. */
  readonly content: ContentRef | undefined;
  /** Path, below the virtual root, of the first member of the entry's hard-link group; empty if there is no other. */
  readonly hardLinkGroup: Buffer;
  /** DIRECTORY: only leads to a root that was asked for. */
  readonly leadsToRoot: boolean;
  readonly defect: EntryDefect;
}

const NOTHING = Buffer.alloc(0);

/** An entry with everything absent that was not given. */
export function treeEntry(given: Partial<TreeEntry> & Pick<TreeEntry, 'name' | 'type'>): TreeEntry {
  return {
    mode: 0,
    uid: 0,
    gid: 0,
    mtimeSeconds: 0,
    mtimeNanos: 0,
    size: 0,
    linkTarget: NOTHING,
    deviceMajor: 0,
    deviceMinor: 0,
    xattrs: [],
    content: undefined,
    hardLinkGroup: NOTHING,
    leadsToRoot: false,
    defect: EntryDefect.ENTRY_DEFECT_UNSPECIFIED,
    ...given,
  };
}

export const MAX_NAME_BYTES = 1024;
export const MAX_PATH_BYTES = 64 * KIB;
const MAX_LINK_TARGET_BYTES = 4096;
export const MAX_XATTRS = 256;
const MAX_XATTR_NAME_BYTES = 255;
const MAX_XATTR_BYTES = MIB;

/** Why the format cannot hold this entry, in words; undefined when it can. */
export function flawOfEntry(entry: TreeEntry): string | undefined {
  return (
    flawOfName(entry.name) ??
    flawOfNumbers(entry) ??
    flawOfType(entry) ??
    flawOfContent(entry) ??
    flawOfXattrs(entry.xattrs)
  );
}

export function flawOfName(name: Uint8Array): string | undefined {
  if (name.length === 0 || name.length > MAX_NAME_BYTES) return `a name has 1 to ${MAX_NAME_BYTES} bytes`;
  if (name.includes(0) || name.includes(0x2f)) return 'a name holds neither a slash nor a zero byte';
  if (name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e)))
    return '"." and ".." are no names';
  return undefined;
}

function flawOfNumbers(entry: TreeEntry): string | undefined {
  const { mode, uid, gid, deviceMajor, deviceMinor, mtimeSeconds, mtimeNanos, size } = entry;
  if (!isCount(mode, 0o7777)) return 'its mode is out of bounds';
  if (![uid, gid, deviceMajor, deviceMinor].every((each) => isCount(each, 0xffffffff)))
    return 'an owner or device number is out of bounds';
  if (!Number.isSafeInteger(mtimeSeconds) || !isCount(mtimeNanos, 999_999_999))
    return 'its modification time is out of bounds';
  if (!isCount(size, Number.MAX_SAFE_INTEGER)) return 'its size is out of bounds';
  return undefined;
}

function flawOfType(entry: TreeEntry): string | undefined {
  const { type, defect } = entry;
  const isFile = type === EntryType.ENTRY_TYPE_FILE;
  const isDirectory = type === EntryType.ENTRY_TYPE_DIRECTORY;
  const isLink = type === EntryType.ENTRY_TYPE_SYMLINK;
  const isDevice = type === EntryType.ENTRY_TYPE_CHARACTER_DEVICE || type === EntryType.ENTRY_TYPE_BLOCK_DEVICE;
  if (!Number.isInteger(type) || type < EntryType.ENTRY_TYPE_FILE || type > EntryType.ENTRY_TYPE_BLOCK_DEVICE)
    return 'its type is unknown';
  if (!isFile && entry.size !== 0) return 'only a file has a size';
  if (!isDevice && (entry.deviceMajor !== 0 || entry.deviceMinor !== 0)) return 'only a device has device numbers';
  if (!isDirectory && entry.leadsToRoot) return 'only a directory leads to a root';
  if (isDirectory && entry.hardLinkGroup.length > 0) return 'a directory has no hard links';
  if (entry.hardLinkGroup.length > MAX_PATH_BYTES || entry.hardLinkGroup.includes(0))
    return 'its hard-link group is no path';
  if (defect < EntryDefect.ENTRY_DEFECT_UNSPECIFIED || defect > EntryDefect.ENTRY_DEFECT_UNREADABLE)
    return 'its defect is unknown';
  if (!isLink) return entry.linkTarget.length > 0 ? 'only a symbolic link has a target' : undefined;
  if (entry.linkTarget.length > MAX_LINK_TARGET_BYTES || entry.linkTarget.includes(0))
    return 'its link target is no path';
  const targetIsMissing = entry.linkTarget.length === 0 && defect !== EntryDefect.ENTRY_DEFECT_UNREADABLE;
  return targetIsMissing ? 'a symbolic link has a target' : undefined;
}

function flawOfContent(entry: TreeEntry): string | undefined {
  const { type, content, size } = entry;
  const unreadable = entry.defect === EntryDefect.ENTRY_DEFECT_UNREADABLE;
  if (content && content.id.length !== 32) return 'the id of its content has a wrong length';
  if (content && unreadable) return 'what could not be read has no content';
  if (type === EntryType.ENTRY_TYPE_DIRECTORY)
    return content?.kind === 'node' || (unreadable && !content) ? undefined : 'a directory has a node';
  if (type !== EntryType.ENTRY_TYPE_FILE) return content ? 'only files and directories have content' : undefined;
  return content && size === 0 ? 'an empty file has no content' : undefined;
}

function flawOfXattrs(xattrs: readonly ExtendedAttribute[]): string | undefined {
  let total = 0;
  if (xattrs.length > MAX_XATTRS) return 'it has too many extended attributes';
  for (const [index, { name, value }] of xattrs.entries()) {
    const before = xattrs[index - 1]?.name;
    if (name.length === 0 || name.length > MAX_XATTR_NAME_BYTES || name.includes(0))
      return "an extended attribute's name is out of bounds";
    if (before && Buffer.compare(before, name) >= 0) return 'its extended attributes are not in order';
    total += name.length + value.length;
  }
  return total > MAX_XATTR_BYTES ? 'its extended attributes are too long' : undefined;
}

function isCount(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}
