import { unstorable } from '../format/format-errors.js';
import { MAX_INDEX_DEPTH, MAX_NODE_ENTRIES, MIB } from '../format/limits.js';

/** A node in this many items at least, but for the last of a level. */
export const MIN_SPLIT_ITEMS = 256;
export const MAX_SPLIT_WEIGHT = 4 * MIB;

export interface SplitRules<Leaf, Part> {
  /** Whether content wants a new node to start here; asked only where one may. About one item in 256. */
  splitsBefore(level: number, item: Leaf | Part): boolean;
  /** Bytes that the item takes in its node, at most. */
  weight(item: Leaf | Part): number;
  makeLeaf(items: readonly Leaf[]): Part;
  makeIndex(parts: readonly Part[]): Part;
}

interface Level<Item> {
  items: Item[];
  weight: number;
  /** A node of this level was made before. */
  flushed: boolean;
}

/**
 * Splits a long list into nodes of 256 to 1,024 items, and the list of those likewise, up to one node.
 * Boundaries depend on the items near them, so a change in the list changes the nodes above it and no
 * others: equal stretches of two lists are equal nodes.
 */
export class SplitLevels<Leaf, Part> {
  private readonly leaves: Level<Leaf> = { items: [], weight: 0, flushed: false };
  private readonly indexes: Level<Part>[] = [];

  constructor(private readonly rules: SplitRules<Leaf, Part>) {}

  add(leaf: Leaf): void {
    this.append(this.leaves, 0, leaf, () => this.flushLeaves());
  }

  /** The one node that stands for everything added; a node of an empty list if nothing was. */
  finish(): Part {
    if (!this.leaves.flushed) return this.rules.makeLeaf(this.leaves.items);
    this.flushLeaves();
    for (let at = 0; ; at++) {
      const level = this.indexes[at] as Level<Part>;
      if (!level.flushed) return this.rules.makeIndex(level.items);
      this.flushIndex(at);
    }
  }

  private flushLeaves(): void {
    const { items } = this.leaves;
    this.clear(this.leaves);
    this.addPart(0, this.rules.makeLeaf(items));
  }

  private flushIndex(at: number): void {
    const level = this.indexes[at] as Level<Part>;
    const { items } = level;
    this.clear(level);
    this.addPart(at + 1, this.rules.makeIndex(items));
  }

  private addPart(at: number, part: Part): void {
    if (at >= MAX_INDEX_DEPTH)
      throw unstorable('TREE_TOO_LARGE', 'A directory or file has more parts than the format can index.');
    this.indexes[at] ??= { items: [], weight: 0, flushed: false };
    this.append(this.indexes[at], at + 1, part, () => this.flushIndex(at));
  }

  private append<Item extends Leaf | Part>(level: Level<Item>, number: number, item: Item, flush: () => void): void {
    const weight = this.rules.weight(item);
    const count = level.items.length;
    const mustSplit = count === MAX_NODE_ENTRIES || (count > 0 && level.weight + weight > MAX_SPLIT_WEIGHT);
    if (mustSplit || (count >= MIN_SPLIT_ITEMS && this.rules.splitsBefore(number, item))) flush();
    level.items.push(item);
    level.weight += weight;
  }

  private clear(level: Level<Leaf> | Level<Part>): void {
    level.items = [];
    level.weight = 0;
    level.flushed = true;
  }
}
