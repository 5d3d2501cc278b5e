import { type TreeEntry, EntryType as WireType } from '@holdfast/core/engine';
import { joinPath, splitPath } from '../../protected-items/domain/absolute-path.js';
import type { BrowseEntry, EntryMetadata, EntryType } from '../domain/browse-entry.js';

const TYPES: Readonly<Partial<Record<WireType, EntryType>>> = {
  [WireType.ENTRY_TYPE_FILE]: 'FILE',
  [WireType.ENTRY_TYPE_DIRECTORY]: 'DIRECTORY',
  [WireType.ENTRY_TYPE_SYMLINK]: 'SYMLINK',
  [WireType.ENTRY_TYPE_FIFO]: 'FIFO',
  [WireType.ENTRY_TYPE_SOCKET]: 'SOCKET',
  [WireType.ENTRY_TYPE_CHARACTER_DEVICE]: 'CHARACTER_DEVICE',
  [WireType.ENTRY_TYPE_BLOCK_DEVICE]: 'BLOCK_DEVICE',
};
// What a JavaScript date can hold.
const FURTHEST_MS = 8.64e15;

export function presentEntry(directory: Buffer, entry: TreeEntry): BrowseEntry {
  return {
    name: entry.name,
    path: joinPath([...splitPath(directory), entry.name]),
    type: TYPES[entry.type] ?? 'FILE',
    size: BigInt(entry.size),
    // What leads to a root is stored with placeholders.
    ...(!entry.leadsToRoot && { metadata: metadataOf(entry) }),
    ...(entry.linkTarget.length > 0 && { linkTarget: entry.linkTarget }),
  };
}

function metadataOf({ mode, uid, gid, mtimeSeconds, mtimeNanos }: TreeEntry): EntryMetadata {
  const milliseconds = mtimeSeconds * 1_000 + Math.floor(mtimeNanos / 1_000_000);
  return { mode, uid, gid, modifiedAt: Math.max(-FURTHEST_MS, Math.min(FURTHEST_MS, milliseconds)) };
}
