import { setImmediate } from 'node:timers/promises';
import type { ContentRef, FetchNode, ParsedNode, TreeEntry } from '@holdfast/core/engine';
import { EntryDefect, MAX_TREE_DEPTH, readDirectory } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
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

export interface WalkBounds {
  /** What the point says it has; 0 for one that does not say. */
  readonly declaredEntries: number;
  /** Throws once the job is to stop. */
  readonly throwIfStopped: () => void;
}

/** Directories of a point may share nodes, so its tree can be far larger than what is stored. */
const SLACK_ENTRIES = 10_000;
const STEPS_BETWEEN_TURNS = 256;
const ITEMS_AT_ONCE = 256;

interface OpenedDirectory {
  readonly id: Buffer;
  readonly node: ParsedNode;
}

/** A directory that the walk is in. */
interface Level {
  readonly nodes: AsyncGenerator<readonly TreeEntry[]>;
  /** Of the node that the walk is in. */
  entries: readonly TreeEntry[];
  next: number;
  readonly wanted: Selection;
  /** Selected names that have not come yet. */
  readonly missing: Set<string>;
}

/**
 * A directory of the point with everything below it that is wanted, in the point's order, some at a time. Whoever made the point may have made
 * it to harm: a tree that goes on far beyond what the point says of itself ends the walk with Integrity, a directory too deep is
 * as good as damaged, and between entries others get their turn and the job can be stopped, also when every node is at hand.
 */
export async function* walkTree(
  node: Buffer,
  selection: Selection,
  fetchNode: FetchNode,
  bounds: WalkBounds,
): AsyncGenerator<readonly RestoreItem[], void, void> {
  const most = 2 * bounds.declaredEntries + SLACK_ENTRIES;
  const levels = [levelOf({ id: node, node: await fetchNode(node) }, selection, fetchNode)];
  let steps = 0;
  let entries = 0;
  let items: RestoreItem[] = [];
  for (let level = levels[0]; level !== undefined; level = levels.at(-1)) {
    if (items.length >= ITEMS_AT_ONCE) {
      yield items;
      items = [];
    }
    const next = level.entries[level.next++] ?? (await nextEntry(level));
    if (steps++ % STEPS_BETWEEN_TURNS === 0) await setImmediate();
    bounds.throwIfStopped();
    if (next === undefined || next instanceof DamageError) {
      if (next !== undefined) items.push({ kind: 'damaged', entry: undefined, reason: next.message });
      else for (const name of level.missing) items.push(absent(name));
      levels.pop();
      if (levels.length > 0) items.push({ kind: 'leave' });
      continue;
    }
    if (++entries > most) throw largerThanDeclared(bounds.declaredEntries);
    const wanted = selectEntry(level.wanted, next.name);
    if (wanted === undefined) continue;
    if (level.missing.size > 0) level.missing.delete(next.name.toString('latin1'));
    const entry = toFileEntry(next);
    if (entry.type !== 'directory') {
      items.push(...itemsOf(next, entry, wanted));
      continue;
    }
    const inside = await open(next, levels.length, fetchNode);
    if (typeof inside === 'string') {
      items.push({ kind: 'damaged', entry, reason: inside });
      continue;
    }
    // Somebody asked for what lies below it, not for the directory: it only leads there.
    items.push({ kind: 'enter', entry: wanted === 'all' ? entry : { ...entry, leadsToSelection: true } });
    if (inside !== undefined) levels.push(levelOf(inside, wanted, fetchNode));
    else {
      if (wanted === 'all') items.push({ kind: 'contentless', entry });
      items.push({ kind: 'leave' });
    }
  }
  yield items;
}

function levelOf({ id, node }: OpenedDirectory, wanted: Selection, fetchNode: FetchNode): Level {
  // The first node was fetched to see whether there is one.
  let first: ParsedNode | undefined = node;
  const fetch: FetchNode = (each) => {
    const known = first;
    first = undefined;
    return known === undefined ? fetchNode(each) : Promise.resolve(known);
  };
  const missing = new Set(wanted === 'all' ? [] : wanted.keys());
  return { nodes: readDirectory(id, fetch), entries: [], next: 0, wanted, missing };
}

function itemsOf(stored: TreeEntry, entry: FileEntry, wanted: Selection): RestoreItem[] {
  if (wanted !== 'all') return [...wanted.keys()].map(absent);
  if (stored.defect === EntryDefect.ENTRY_DEFECT_UNREADABLE) return [{ kind: 'contentless', entry }];
  return [entry.type === 'file' ? { kind: 'file', entry, content: stored.content } : { kind: 'special', entry }];
}

/** A directory's node, or why nothing in it can be had; undefined for one that could not be read when it was backed up. */
async function open(
  { content }: TreeEntry,
  depth: number,
  fetchNode: FetchNode,
): Promise<OpenedDirectory | string | undefined> {
  if (content === undefined) return undefined;
  if (depth >= MAX_TREE_DEPTH) return `it lies more than ${MAX_TREE_DEPTH} levels deep`;
  try {
    return { id: content.id, node: await fetchNode(content.id) };
  } catch (error) {
    const damage = asDamage(error);
    if (damage instanceof DamageError) return damage.message;
    throw error;
  }
}

/** The first entry of the level's next node that has any. */
async function nextEntry(level: Level): Promise<TreeEntry | DamageError | undefined> {
  try {
    for (;;) {
      const next = await level.nodes.next();
      if (next.done === true) return undefined;
      level.entries = next.value;
      level.next = 1;
      if (level.entries[0]) return level.entries[0];
    }
  } catch (error) {
    const damage = asDamage(error);
    if (damage instanceof DamageError) return damage;
    throw error;
  }
}

function absent(name: string): RestoreItem {
  return { kind: 'absent', name: Buffer.from(name, 'latin1') };
}

function largerThanDeclared(declared: number): HoldfastError {
  return new HoldfastError({
    kind: 'Integrity',
    code: 'LARGER_THAN_DECLARED',
    message: `The recovery point says that it has ${declared} entries, and its tree has far more: whoever made it may mean harm. Select what you need, and look at it first.`,
    details: { declaredEntries: String(declared) },
  });
}
