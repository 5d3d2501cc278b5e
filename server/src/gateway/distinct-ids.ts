const ID_BYTES = 32;

interface DistinctIds {
  /** Concatenated, each once, in the order in which they first came. */
  readonly ids: Buffer;
  /** For each that was given, its place among the distinct ones. */
  readonly places: readonly number[];
}

/** Ids or claims, concatenated: whoever asks for one many times is to cost no more than who asks once. */
export function distinctIds(all: Buffer): DistinctIds {
  const first = new Map<string, number>();
  const distinct: Buffer[] = [];
  const places: number[] = [];
  for (let at = 0; at < all.length; at += ID_BYTES) {
    const key = all.toString('latin1', at, at + ID_BYTES);
    let place = first.get(key);
    if (place === undefined) {
      place = distinct.push(all.subarray(at, at + ID_BYTES)) - 1;
      first.set(key, place);
    }
    places.push(place);
  }
  return { ids: distinct.length === places.length ? all : Buffer.concat(distinct), places };
}
