import type { Clock } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';

export interface PaceLimits {
  /** So many at once, … */
  readonly burst: number;
  /** … and so many more each second. */
  readonly perSecond: number;
}

/** Keys that are remembered; beyond, the one that came longest ago is forgotten. */
const MOST_KEYS = 10_000;

/** How often each of many may do something: a token bucket per key, in this process's memory. */
export class Pace {
  private readonly buckets = new Map<string, { left: number; at: number }>();

  constructor(
    private readonly limits: PaceLimits,
    private readonly clock: Clock,
  ) {}

  /** Whether it may be done once more now; if so, it counts. */
  allows(key: string): boolean {
    const bucket = this.filled(key);
    if (bucket.left < 1) return false;
    bucket.left -= 1;
    return true;
  }

  /** Counts it in any case, and answers in how many milliseconds there is room for it. */
  delay(key: string): number {
    const bucket = this.filled(key);
    bucket.left -= 1;
    return bucket.left >= 0 ? 0 : Math.ceil((-bucket.left / this.limits.perSecond) * 1000);
  }

  /** Counts what it came to afterwards, also beyond what there is room for. */
  spend(key: string, amount: number): void {
    this.filled(key).left -= amount;
  }

  /** In how many milliseconds it may be done once more. */
  roomInMs(key: string): number {
    return Math.max(0, Math.ceil(((1 - this.filled(key).left) / this.limits.perSecond) * 1000));
  }

  private filled(key: string): { left: number; at: number } {
    const now = this.clock.monotonic();
    const { burst, perSecond } = this.limits;
    const bucket = this.buckets.get(key) ?? { left: burst, at: now };
    bucket.left = Math.min(burst, bucket.left + ((now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
    this.buckets.delete(key);
    this.buckets.set(key, bucket);
    if (this.buckets.size > MOST_KEYS) this.buckets.delete(this.buckets.keys().next().value ?? '');
    return bucket;
  }
}

/** `retryInMs`: when it may be done again, where that is known. */
export function tooFast(retryInMs?: number): HoldfastError {
  const seconds = retryInMs === undefined ? undefined : Math.max(1, Math.ceil(retryInMs / 1000));
  return new HoldfastError({
    kind: 'RateLimited',
    code: 'TOO_FAST',
    message: `This is asked too often: try again ${seconds === undefined ? 'later' : `in ${seconds} s`}.`,
    ...(seconds === undefined ? {} : { details: { retryAfterSeconds: String(seconds) } }),
  });
}
