import type { Clock } from '@holdfast/core/clock';

const BETWEEN_LOGS_MS = 10_000;

/** Logs the first and then now and then, with how many there were: what strangers do may come by the thousand. */
export class CountedLog<Fields extends object> {
  private count = 0;
  private loggedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly clock: Clock,
    private readonly write: (fields: Fields & { count: number }) => void,
  ) {}

  add(fields: Fields): void {
    this.count += 1;
    const now = this.clock.monotonic();
    if (now - this.loggedAt < BETWEEN_LOGS_MS) return;
    this.write({ ...fields, count: this.count });
    this.loggedAt = now;
    this.count = 0;
  }
}
