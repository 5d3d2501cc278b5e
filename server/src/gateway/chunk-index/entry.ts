/**
 * What a look-up finds, in 42 bytes that compare as one string: chunk id (32) ‖ u48be copy number ‖
 * u32be pack number. So copies of one chunk stand together, oldest first. In a file a u16be checksum follows.
 */
export const ID_BYTES = 32;
export const ENTRY_BYTES = 44;
const COMPARED_BYTES = 42;
const NUMBER_AT = ID_BYTES;
const PACK_AT = NUMBER_AT + 6;
/** Bits of a position that go into a sort key beside four bytes of the id. */
const POSITIONS = 2 ** 20;

export function writeEntry(to: Buffer, at: number, ids: Buffer, idAt: number, number: number, pack: number): void {
  ids.copy(to, at, idAt, idAt + ID_BYTES);
  to.writeUIntBE(number, at + NUMBER_AT, 6);
  to.writeUInt32BE(pack, at + PACK_AT);
}

export function numberOf(entries: Buffer, at: number): number {
  return entries.readUIntBE(at + NUMBER_AT, 6);
}

export function packOf(entries: Buffer, at: number): number {
  return entries.readUInt32BE(at + PACK_AT);
}

export function compareEntries(a: Buffer, aAt: number, b: Buffer, bAt: number): number {
  const difference = a.readUInt32BE(aAt) - b.readUInt32BE(bAt);
  return difference !== 0 ? difference : a.compare(b, bAt, bAt + COMPARED_BYTES, aAt, aAt + COMPARED_BYTES);
}

/** Gives the entry the checksum for its place in the file, counted in entries. */
export function seal(entries: Buffer, at: number, place: number): void {
  entries.writeUInt16BE(checksum(entries, at, place), at + COMPARED_BYTES);
}

/** Whether the entry is as it was written at this place. */
export function isSound(entries: Buffer, at: number, place: number): boolean {
  return entries.readUInt16BE(at + COMPARED_BYTES) === checksum(entries, at, place);
}

/** Against bytes that a disk changes or puts elsewhere, not against somebody who means to. */
function checksum(entries: Buffer, at: number, place: number): number {
  let hash = place | 0;
  for (let word = at; word < at + COMPARED_BYTES - 2; word += 4) hash = mix(hash ^ entries.readInt32BE(word));
  hash = mix(hash ^ entries.readUInt16BE(at + COMPARED_BYTES - 2));
  return (hash >>> 16) ^ (hash & 0xffff);
}

function mix(hash: number): number {
  const product = Math.imul(hash, 0x9e3779b1);
  return product ^ (product >>> 15);
}

/** The id at `idAt` against that of the entry. */
export function compareId(ids: Buffer, idAt: number, entries: Buffer, at: number): number {
  return ids.compare(entries, at, at + ID_BYTES, idAt, idAt + ID_BYTES);
}

/** The same entries in ascending order; at most a million of them. */
export function sortEntries(entries: Buffer): Buffer {
  const count = entries.length / ENTRY_BYTES;
  if (count > POSITIONS) throw new RangeError('too many entries to sort at once');
  const keys = new Float64Array(count);
  for (let place = 0; place < count; place++)
    keys[place] = entries.readUInt32BE(place * ENTRY_BYTES) * POSITIONS + place;
  keys.sort();
  const order = Array.from(keys, (key) => key % POSITIONS);
  sortTies(entries, order);
  const sorted = Buffer.allocUnsafe(entries.length);
  order.forEach((place, to) => {
    entries.copy(sorted, to * ENTRY_BYTES, place * ENTRY_BYTES, (place + 1) * ENTRY_BYTES);
  });
  return sorted;
}

/** Ids are uniform unless somebody made them up: few share their first four bytes. */
function sortTies(entries: Buffer, order: number[]): void {
  const head = (place: number | undefined): number =>
    place === undefined ? -1 : entries.readUInt32BE(place * ENTRY_BYTES);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && head(order[to]) === head(order[from])) to++;
    if (to - from > 1) {
      const tied = order.slice(from, to);
      tied.sort((a, b) => compareEntries(entries, a * ENTRY_BYTES, entries, b * ENTRY_BYTES));
      for (const [place, each] of tied.entries()) order[from + place] = each;
    }
    from = to;
  }
}
