import type { Clock } from '@holdfast/core/clock';

/** Keys that are remembered; beyond, the one that was barred first is let in again. */
const MOST_KEYS = 10_000;

/** Who is not let in for a while. */
export class Barred {
  private readonly until = new Map<string, number>();

  constructor(
    private readonly ms: number,
    private readonly clock: Clock,
  ) {}

  add(key: string): void {
    this.until.delete(key);
    this.until.set(key, this.clock.monotonic() + this.ms);
    if (this.until.size > MOST_KEYS) this.until.delete(this.until.keys().next().value ?? '');
  }

  has(key: string): boolean {
    const until = this.until.get(key);
    if (until === undefined || until > this.clock.monotonic()) return until !== undefined;
    this.until.delete(key);
    return false;
  }
}
