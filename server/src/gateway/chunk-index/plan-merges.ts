export interface RunSize {
  readonly number: number;
  readonly entries: number;
}

/**
 * Which two resting runs to merge: the smallest two of one size class, where a class reaches from one
 * power of two of `unit` to the next. So at most one run of a class rests, a vault of n chunks has about
 * log2(n / unit) runs, and each entry is written as often over its life.
 */
export function planMerge(resting: readonly RunSize[], unit: number): readonly [RunSize, RunSize] | undefined {
  const ordered = resting.toSorted((a, b) => a.entries - b.entries || a.number - b.number);
  for (const [place, run] of ordered.entries()) {
    const next = ordered[place + 1];
    if (next !== undefined && classOf(run, unit) === classOf(next, unit)) return [run, next];
  }
  return undefined;
}

function classOf({ entries }: RunSize, unit: number): number {
  return Math.floor(Math.log2(Math.max(entries / unit, 1)));
}
