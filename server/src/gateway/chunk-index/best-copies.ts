import type { Copy, Worth } from './chunk-index.js';

/** Copies told of one chunk: more than honest agents make of any, and few enough that nobody can make a look-up long. */
const MOST_COPIES_TOLD = 16;

/** Adds a copy to those of its chunk that are worth most, the oldest among equals. They come in no certain order, and stay in none. */
export function addIfAmongBest(best: Copy[], copy: Copy, worth: Worth): void {
  const own = worth(copy);
  if (own <= 0) return;
  if (best.length < MOST_COPIES_TOLD) {
    best.push(copy);
    return;
  }
  let worst = copy;
  let least = own;
  let place = -1;
  for (const [at, each] of best.entries()) {
    const its = worth(each);
    if (its > least || (its === least && each.number < worst.number)) continue;
    worst = each;
    least = its;
    place = at;
  }
  if (place >= 0) best[place] = copy;
}
