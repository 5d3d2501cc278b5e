import type { ContentRef, FetchNode, TreeEntry } from '@holdfast/core/engine';
import { EntryDefect, readDirectory } from '@holdfast/core/engine';
import type { FileEntry } from '../../workloads/files/file-entry.js';
import { toFileEntry } from '../tree-entries.js';
import { asDamage } from './chunk-reader.js';
import { DamageError } from './damage.js';
import type { Selection } from './selection.js';
import { selectEntry } from './selection.js';

export type RestoreItem =
  /** Everything up to the matching leave lies in it. */
  | { readonly kind: 'enter'; readonly entry: FileEntry }
  | { readonly kind: 'leave' }
  | { readonly kind: 'file'; readonly entry: FileEntry; readonly content: ContentRef | undefined }
  | { readonly kind: 'special'; readonly entry: FileEntry }
  /** Its content could not be read when it was backed up. */
  | { readonly kind: 'contentless'; readonly entry: FileEntry }
  /** Of what lies in this directory, the rest (or, before `enter`, all) cannot be had. `entry` is the directory; undefined for the one we are in. */
  | { readonly kind: 'damaged'; readonly entry: FileEntry | undefined; readonly reason: string }
  /** A selected name that the directory does not have. */
  | { readonly kind: 'absent'; readonly name: Buffer };

/** A directory of the point with everything below it that is wanted, in the point's order. */
export async function* walkTree(
  node: Buffer,
  selection: Selection,
  fetchNode: FetchNode,
): AsyncGenerator<RestoreItem, void, void> {
  const missing = selection === 'all' ? undefined : new Set(selection.keys());
  const entries = readDirectory(node, fetchNode);
  for (;;) {
    const next = await nextEntry(entries);
    if (next instanceof DamageError) {
      yield { kind: 'damaged', entry: undefined, reason: next.message };
      return;
    }
    if (next === undefined) break;
    const wanted = selectEntry(selection, next.name);
    if (wanted === undefined) continue;
    missing?.delete(next.name.toString('latin1'));
    yield* walkEntry(next, wanted, fetchNode);
  }
  for (const name of missing ?? []) yield { kind: 'absent', name: Buffer.from(name, 'latin1') };
}

async function* walkEntry(
  entry: TreeEntry,
  wanted: Selection,
  fetchNode: FetchNode,
): AsyncGenerator<RestoreItem, void, void> {
  const plain = toFileEntry(entry);
  const unreadable = entry.defect === EntryDefect.ENTRY_DEFECT_UNREADABLE;
  if (plain.type === 'directory') return yield* walkDirectory(plain, entry.content?.id, wanted, fetchNode);
  if (wanted !== 'all') for (const name of wanted.keys()) yield { kind: 'absent', name: Buffer.from(name, 'latin1') };
  else if (unreadable) yield { kind: 'contentless', entry: plain };
  else if (plain.type === 'file') yield { kind: 'file', entry: plain, content: entry.content };
  else yield { kind: 'special', entry: plain };
}

async function* walkDirectory(
  entry: FileEntry,
  node: Buffer | undefined,
  wanted: Selection,
  fetchNode: FetchNode,
): AsyncGenerator<RestoreItem, void, void> {
  if (node !== undefined) {
    try {
      await fetchNode(node);
    } catch (error) {
      const damage = asDamage(error);
      if (!(damage instanceof DamageError)) throw error;
      yield { kind: 'damaged', entry, reason: damage.message };
      return;
    }
  }
  // Somebody asked for what lies below it, not for the directory: it only leads there.
  yield { kind: 'enter', entry: wanted === 'all' ? entry : { ...entry, leadsToRoot: true } };
  if (node !== undefined) yield* walkTree(node, wanted, fetchNode);
  else if (wanted === 'all') yield { kind: 'contentless', entry };
  yield { kind: 'leave' };
}

async function nextEntry(entries: AsyncGenerator<TreeEntry>): Promise<TreeEntry | DamageError | undefined> {
  try {
    const next = await entries.next();
    return next.done === true ? undefined : next.value;
  } catch (error) {
    const damage = asDamage(error);
    if (damage instanceof DamageError) return damage;
    throw error;
  }
}
