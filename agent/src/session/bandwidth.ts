import type { Clock, Timers } from '@holdfast/core/clock';
import { type BandwidthLimits, bandwidthAt } from '@holdfast/core/policy';
import { RateLimiter } from './rate-limiter.js';
import type { Throttles } from './throttle.js';

/** The wall clock may be set at any time, and timers do not follow it. */
const LONGEST_WAIT_MS = 60_000;

/** The limits that the server has set last, followed through the week: as long as the agent runs, also while it is not connected. */
export class Bandwidth implements Throttles {
  readonly upload: RateLimiter;
  readonly download: RateLimiter;
  private limits: BandwidthLimits = { windows: [] };
  private cancelTimer: () => void = () => undefined;

  constructor(private readonly clock: Clock & Timers) {
    this.upload = new RateLimiter(clock);
    this.download = new RateLimiter(clock);
  }

  apply(limits: BandwidthLimits): void {
    this.limits = limits;
    this.follow();
  }

  stop(): void {
    this.cancelTimer();
  }

  private follow(): void {
    this.cancelTimer();
    const now = this.clock.now();
    const { limit, untilMs } = bandwidthAt(this.limits, now);
    this.upload.setRate(limit.uploadBytesPerSecond);
    this.download.setRate(limit.downloadBytesPerSecond);
    if (untilMs === Number.POSITIVE_INFINITY) return;
    this.cancelTimer = this.clock.after(Math.min(untilMs - now, LONGEST_WAIT_MS), () => this.follow());
  }
}
