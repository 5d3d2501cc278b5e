import { ENTRY_BYTES } from './entry.js';

const TAG_AT = 8;
const TAG_BYTES = 2;
const ENTRIES_PER_RANGE = 16;

/** The first 31 bits of an id, which its place in the order goes by: small enough for a number without a box. */
export function prefixOf(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) >>> 1;
}

export interface PieceBounds {
  readonly entries: number;
  /** Prefixes of the first and the last id. */
  readonly low: number;
  readonly high: number;
}

/**
 * What is kept in memory of a piece of a run, 17 bits an entry: two bytes of each id, and where each of
 * many even ranges of ids begins. It names the positions at which an id may stand. None means that the
 * id is not there for certain; of ids that are not there about 1 in 4,000 gets a position all the same,
 * and whoever reads the entry sees that it is another's.
 *
 * As bytes: u16le number of entries before each range, and in all; then the two bytes of each id.
 *
 * @param entries in order, 1 to 65,535 of them
 */
export function makeKeys(entries: Buffer): { readonly keys: Buffer; readonly bounds: PieceBounds } {
  const count = entries.length / ENTRY_BYTES;
  const bounds = {
    entries: count,
    low: prefixOf(entries, 0),
    high: prefixOf(entries, entries.length - ENTRY_BYTES),
  };
  const ranges = rangesOf(count);
  const keys = Buffer.alloc(keysBytes(count));
  for (let place = 0, begun = 0; place <= count; place++) {
    const range =
      place === count ? ranges : rangeOf(bounds.low, bounds.high, ranges, prefixOf(entries, place * ENTRY_BYTES));
    while (begun <= range) keys.writeUInt16LE(place, begun++ * 2);
    const tag = place * ENTRY_BYTES + TAG_AT;
    if (place < count) entries.copy(keys, (ranges + 1) * 2 + place * TAG_BYTES, tag, tag + TAG_BYTES);
  }
  return { keys, bounds };
}

/** How long the keys of so many entries are. */
export function keysBytes(entries: number): number {
  return (rangesOf(entries) + 1) * 2 + entries * TAG_BYTES;
}

/**
 * Appends the positions from `from` on at which an id, whose prefix lies within the bounds, may stand.
 * The keys begin at `at`.
 */
export function collectPositions(
  keys: Buffer,
  at: number,
  entries: number,
  low: number,
  high: number,
  ids: Buffer,
  idAt: number,
  from: number,
  positions: number[],
): void {
  const ranges = rangesOf(entries);
  const start = at + rangeOf(low, high, ranges, prefixOf(ids, idAt)) * 2;
  const first = (keys[start] as number) | ((keys[start + 1] as number) << 8);
  const end = (keys[start + 2] as number) | ((keys[start + 3] as number) << 8);
  const tags = at + (ranges + 1) * 2;
  const tag = ids[idAt + TAG_AT];
  const rest = ids[idAt + TAG_AT + 1];
  for (let place = Math.max(first, from); place < end; place++) {
    const own = tags + place * TAG_BYTES;
    if (keys[own] === tag && keys[own + 1] === rest) positions.push(place);
  }
}

function rangesOf(entries: number): number {
  return Math.ceil(entries / ENTRIES_PER_RANGE);
}

function rangeOf(low: number, high: number, ranges: number, prefix: number): number {
  return Math.floor(((prefix - low) * ranges) / (high - low + 1));
}
