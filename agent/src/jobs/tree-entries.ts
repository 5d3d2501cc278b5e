import type { ContentRef, TreeEntry } from '@holdfast/core/engine';
import { EntryDefect, EntryType, treeEntry } from '@holdfast/core/engine';
import type { FileEntry, EntryType as FileKind } from '../workloads/files/file-entry.js';

/** Between an entry of the host's file system and one of a recovery point. */

const types = {
  file: EntryType.ENTRY_TYPE_FILE,
  directory: EntryType.ENTRY_TYPE_DIRECTORY,
  symlink: EntryType.ENTRY_TYPE_SYMLINK,
  fifo: EntryType.ENTRY_TYPE_FIFO,
  socket: EntryType.ENTRY_TYPE_SOCKET,
  characterDevice: EntryType.ENTRY_TYPE_CHARACTER_DEVICE,
  blockDevice: EntryType.ENTRY_TYPE_BLOCK_DEVICE,
} as const satisfies Record<FileKind, EntryType>;

const kinds = new Map<EntryType, FileKind>(Object.entries(types).map(([kind, type]) => [type, kind as FileKind]));

const NANOS = 1_000_000_000n;
const NOTHING = Buffer.alloc(0);

export type Defect = 'changed' | 'unreadable' | undefined;

const defects = {
  changed: EntryDefect.ENTRY_DEFECT_CHANGED_WHILE_READ,
  unreadable: EntryDefect.ENTRY_DEFECT_UNREADABLE,
} as const;

export function toTreeEntry(entry: FileEntry, content: ContentRef | undefined, defect: Defect): TreeEntry {
  const nanos = ((entry.mtimeNs % NANOS) + NANOS) % NANOS;
  return treeEntry({
    name: entry.name,
    type: types[entry.type],
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtimeSeconds: Number((entry.mtimeNs - nanos) / NANOS),
    mtimeNanos: Number(nanos),
    size: entry.size,
    linkTarget: entry.linkTarget ?? NOTHING,
    deviceMajor: entry.device?.major ?? 0,
    deviceMinor: entry.device?.minor ?? 0,
    xattrs: entry.xattrs,
    content,
    hardLinkGroup: entry.hardLinkGroup ?? NOTHING,
    leadsToRoot: entry.leadsToRoot ?? false,
    defect: defect === undefined ? EntryDefect.ENTRY_DEFECT_UNSPECIFIED : defects[defect],
  });
}

export function toFileEntry(entry: TreeEntry): FileEntry {
  const type = kinds.get(entry.type);
  if (type === undefined) throw new TypeError(`no such entry type: ${entry.type}`);
  return {
    name: entry.name,
    type,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtimeNs: BigInt(entry.mtimeSeconds) * NANOS + BigInt(entry.mtimeNanos),
    xattrs: entry.xattrs,
    size: entry.size,
    ...(type === 'symlink' && { linkTarget: entry.linkTarget }),
    ...((type === 'characterDevice' || type === 'blockDevice') && {
      device: { major: entry.deviceMajor, minor: entry.deviceMinor },
    }),
    ...(entry.hardLinkGroup.length > 0 && { hardLinkGroup: entry.hardLinkGroup }),
    ...(entry.leadsToRoot && { leadsToRoot: true as const }),
  };
}
