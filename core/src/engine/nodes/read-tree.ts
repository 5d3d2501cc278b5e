/**
 * Reading trees lazily. Nodes come through `fetchNode`; whatever implements it verifies each node's id,
 * and what a single node cannot show (that parts fit together) is checked here. All throw Integrity.
 */
import { EntryType } from '@holdfast/proto/vault';
import { damaged } from '../format/format-errors.js';
import { MAX_CHUNK_BYTES, MAX_INDEX_DEPTH } from '../format/limits.js';
import type { FileExtent } from './file-builder.js';
import type { DirectoryPartRef, FilePartRef, ParsedNode } from './parse-node.js';
import type { ContentRef, TreeEntry } from './tree-entry.js';

export type FetchNode = (id: Buffer) => Promise<ParsedNode>;

/** A directory's entries in ascending order of names, those of one node at a time. */
export async function* readDirectory(id: Buffer, fetchNode: FetchNode): AsyncGenerator<readonly TreeEntry[]> {
  let last: Buffer | undefined;
  for await (const entries of entriesBelow(id, fetchNode, 0)) {
    const [first] = entries;
    // Within a node they are in order, or it would not have been parsed.
    if (last && first && Buffer.compare(last, first.name) >= 0)
      throw mismatch('the parts of a directory are not in order');
    last = entries.at(-1)?.name ?? last;
    yield entries;
  }
}

/** One entry of a directory; undefined when there is none of that name. Fetches one node per level. */
export async function lookupEntry(id: Buffer, name: Uint8Array, fetchNode: FetchNode): Promise<TreeEntry | undefined> {
  let at = id;
  for (let depth = 0; depth <= MAX_INDEX_DEPTH; depth++) {
    const node = await fetchNode(at);
    if (node.type === 'directory') return lastNotAfter(node.entries, (entry) => entry.name, name, true);
    if (node.type !== 'directory-index') throw mismatch('a directory refers to a node of a file');
    const part = lastNotAfter(node.parts, (each) => each.firstName, name, false);
    if (!part) return undefined;
    at = part.id;
  }
  throw mismatch('a directory has too many levels');
}

/** The entry that a path leads to, from a directory down; undefined where there is none. At least one name. */
export async function resolvePath(
  id: Buffer,
  names: readonly Uint8Array[],
  fetchNode: FetchNode,
): Promise<TreeEntry | undefined> {
  let entry: TreeEntry | undefined;
  let at: Buffer | undefined = id;
  for (const name of names) {
    if (!at) return undefined;
    entry = await lookupEntry(at, name, fetchNode);
    if (!entry) return undefined;
    at = entry.type === EntryType.ENTRY_TYPE_DIRECTORY ? entry.content?.id : undefined;
  }
  return entry;
}

/** What a file's content consists of, in order. Gaps, and the rest up to `size`, are holes. */
export async function* readExtents(
  content: ContentRef | undefined,
  size: number,
  fetchNode: FetchNode,
): AsyncGenerator<FileExtent> {
  if (!content) return;
  if (content.kind === 'chunk') {
    if (size > MAX_CHUNK_BYTES) throw mismatch('a file is longer than the one chunk that holds it');
    yield { id: content.id, offset: 0, length: size };
    return;
  }
  yield* extentsBelow(content.id, { offset: 0, length: size }, fetchNode, 0);
}

async function* entriesBelow(id: Buffer, fetchNode: FetchNode, depth: number): AsyncGenerator<readonly TreeEntry[]> {
  if (depth > MAX_INDEX_DEPTH) throw mismatch('a directory has too many levels');
  const node = await fetchNode(id);
  if (node.type === 'directory') {
    yield node.entries;
    return;
  }
  if (node.type !== 'directory-index') throw mismatch('a directory refers to a node of a file');
  for (const part of node.parts) yield* entriesOfPart(part, fetchNode, depth + 1);
}

async function* entriesOfPart(
  part: DirectoryPartRef,
  fetchNode: FetchNode,
  depth: number,
): AsyncGenerator<readonly TreeEntry[]> {
  let count = 0;
  for await (const entries of entriesBelow(part.id, fetchNode, depth)) {
    if (count === 0 && entries[0]?.name.equals(part.firstName) === false)
      throw mismatch('a part of a directory starts with another name');
    count += entries.length;
    yield entries;
  }
  if (count !== part.entries) throw mismatch('a part of a directory has another number of entries');
}

async function* extentsBelow(
  id: Buffer,
  bounds: Omit<FilePartRef, 'id'>,
  fetchNode: FetchNode,
  depth: number,
): AsyncGenerator<FileExtent> {
  if (depth > MAX_INDEX_DEPTH) throw mismatch('a file has too many levels');
  const node = await fetchNode(id);
  if (node.type !== 'file' && node.type !== 'file-index') throw mismatch('a file refers to a node of a directory');
  const runs: readonly FileExtent[] = node.type === 'file' ? node.extents : node.parts;
  const first = runs[0] as FileExtent;
  const last = runs.at(-1) as FileExtent;
  if (first.offset < bounds.offset || last.offset + last.length > bounds.offset + bounds.length) {
    throw mismatch('an extent lies outside of its part of the file');
  }
  if (node.type === 'file') return yield* node.extents;
  for (const part of node.parts) yield* extentsBelow(part.id, part, fetchNode, depth + 1);
}

// Binary search in an ascending list: the item with this name, or (not exact) the last that is not after it.
function lastNotAfter<Item>(
  items: readonly Item[],
  nameOf: (item: Item) => Buffer,
  name: Uint8Array,
  exact: boolean,
): Item | undefined {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (Buffer.compare(nameOf(items[middle] as Item), name) <= 0) low = middle + 1;
    else high = middle;
  }
  const found = items[low - 1];
  return found !== undefined && exact && !nameOf(found).equals(name) ? undefined : found;
}

function mismatch(why: string) {
  return damaged('MALFORMED_TREE', `A tree does not fit together: ${why}.`);
}
