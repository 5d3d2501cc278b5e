import { ENTRY_BYTES } from './entry.js';

const TAG_AT = 8;
const ENTRIES_PER_RANGE = 8;

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
 * What is kept in memory of a piece of a run, ten bits an entry: a byte of each id, and where each of
 * many even ranges of ids begins. It names the positions at which an id may stand. None means that the
 * id is not there for certain; of ids that are not there about 3 in 100 get a position all the same,
 * and whoever reads the entry sees that it is another's.
 *
 * As bytes: u16le number of entries before each range, and in all; then the byte of each id.
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
  const keys = Buffer.alloc((ranges + 1) * 2 + count);
  for (let place = 0, begun = 0; place <= count; place++) {
    const range = place === count ? ranges : rangeOf(bounds, ranges, prefixOf(entries, place * ENTRY_BYTES));
    while (begun <= range) keys.writeUInt16LE(place, begun++ * 2);
    if (place < count) keys[(ranges + 1) * 2 + place] = entries[place * ENTRY_BYTES + TAG_AT] as number;
  }
  return { keys, bounds };
}

/** Appends the positions from `from` on at which an id, whose prefix lies within the bounds, may stand. */
export function collectPositions(
  keys: Buffer,
  bounds: PieceBounds,
  ids: Buffer,
  idAt: number,
  from: number,
  positions: number[],
): void {
  const ranges = rangesOf(bounds.entries);
  const start = rangeOf(bounds, ranges, prefixOf(ids, idAt)) * 2;
  const end = (keys[start + 2] as number) | ((keys[start + 3] as number) << 8);
  const first = (keys[start] as number) | ((keys[start + 1] as number) << 8);
  const tags = (ranges + 1) * 2;
  const tag = ids[idAt + TAG_AT];
  for (let place = Math.max(first, from); place < end; place++) if (keys[tags + place] === tag) positions.push(place);
}

function rangesOf(entries: number): number {
  return Math.ceil(entries / ENTRIES_PER_RANGE);
}

function rangeOf({ low, high }: PieceBounds, ranges: number, prefix: number): number {
  return Math.floor(((prefix - low) * ranges) / (high - low + 1));
}
