/**
 * What a look-up finds, in 42 bytes that compare as one string: chunk id (32) ‖ u48be copy number ‖
 * u32be pack number. So copies of one chunk stand together, oldest first.
 */
export const ID_BYTES = 32;
export const ENTRY_BYTES = 42;
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
  return difference !== 0 ? difference : a.compare(b, bAt, bAt + ENTRY_BYTES, aAt, aAt + ENTRY_BYTES);
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
