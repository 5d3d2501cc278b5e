import { asBuffer } from './canonical.js';
import { ID_BYTES } from './limits.js';

/** Concatenated 32-byte ids. */
export type IdList = Uint8Array;

export const NO_IDS: Buffer = Buffer.alloc(0);

export function idCount(ids: IdList): number {
  return ids.length / ID_BYTES;
}

/** The id at a position: a view, not a copy. */
export function idAt(ids: IdList, index: number): Buffer {
  return asBuffer(ids).subarray(index * ID_BYTES, (index + 1) * ID_BYTES);
}

/** Whole ids, ascending as unsigned bytes, none twice. */
export function isSortedIdSet(ids: IdList): boolean {
  if (ids.length % ID_BYTES !== 0) return false;
  const bytes = asBuffer(ids);
  for (let at = ID_BYTES; at < bytes.length; at += ID_BYTES) {
    if (bytes.compare(bytes, at, at + ID_BYTES, at - ID_BYTES, at) >= 0) return false;
  }
  return true;
}

/** The distinct ids in ascending order. */
export function sortedIdSet(ids: Iterable<Uint8Array>): Buffer {
  const sorted = Array.from(ids, asBuffer).sort(Buffer.compare);
  return Buffer.concat(sorted.filter((id, index) => index === 0 || !id.equals(sorted[index - 1] as Buffer)));
}

/** Position of an id in a sorted set, or −1. */
export function indexInSet(set: IdList, id: Uint8Array): number {
  const bytes = asBuffer(set);
  let low = 0;
  let high = idCount(bytes) - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const order = bytes.compare(id, 0, ID_BYTES, middle * ID_BYTES, (middle + 1) * ID_BYTES);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
