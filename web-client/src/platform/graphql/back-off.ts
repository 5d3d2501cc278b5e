const FIRST_MS = 2_000;
const MOST_MS = 60_000;

/**
 * How long to wait before the next try: ever longer, at most a minute, and not all pages the same, so that they do not come
 * back together. `tries` have failed before.
 */
export function backOffMs(tries: number): number {
  return Math.min(MOST_MS, FIRST_MS * 2 ** tries) * (0.5 + Math.random() / 2);
}
