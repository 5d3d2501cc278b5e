import type { Clock, Timers } from '@holdfast/core/clock';
import type { Throttle } from './throttle.js';
import { stopped } from './unary-call.js';

const LARGEST_PIECE_BYTES = 1024 * 1024;
const SMALLEST_PIECE_BYTES = 16 * 1024;
const PIECE_MS = 50;
/** What was not used is kept for so long: a pause of the link or of the process costs nothing, an idle hour saves nothing up. */
const KEPT_MS = 250;

interface Waiter {
  readonly bytes: number;
  readonly go: () => void;
}

/**
 * A token bucket. Whoever comes while it holds anything takes what it wants, and those after wait until that is paid off: so pieces
 * of any size pass, and their sum keeps to the rate. The rate may change at any moment, also for those who wait.
 */
export class RateLimiter implements Throttle {
  private rate: number | undefined;
  /** Bytes that may pass at once; below zero, what has passed ahead of its time. */
  private held = 0;
  private filledAt: number;
  private readonly waiting: Waiter[] = [];
  private cancelTimer: () => void = () => undefined;

  constructor(private readonly clock: Clock & Timers) {
    this.filledAt = clock.monotonic();
  }

  get pieceBytes(): number {
    if (this.rate === undefined) return LARGEST_PIECE_BYTES;
    const even = Math.floor((this.rate * PIECE_MS) / 1000);
    return Math.min(LARGEST_PIECE_BYTES, Math.max(SMALLEST_PIECE_BYTES, even));
  }

  get bytesPerSecond(): number | undefined {
    return this.rate;
  }

  /** Bytes per second; undefined: no limit. */
  setRate(rate: number | undefined): void {
    if (rate === this.rate) return;
    this.fill();
    // A limit that begins owes nothing for the time before it.
    if (this.rate === undefined) this.held = 0;
    this.rate = rate;
    this.serve();
  }

  async take(bytes: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw stopped(signal);
    if (this.rate === undefined) return;
    if (this.waiting.length === 0 && this.fill() > 0) {
      this.held -= bytes;
      return;
    }
    await this.wait(bytes, signal);
  }

  private wait(bytes: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.waiting.splice(this.waiting.indexOf(waiter), 1);
        reject(stopped(signal));
      };
      const waiter = {
        bytes,
        go: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.waiting.push(waiter);
      this.serve();
    });
  }

  private serve(): void {
    this.cancelTimer();
    while (this.waiting.length > 0 && (this.rate === undefined || this.fill() > 0)) {
      const next = this.waiting.shift();
      this.held -= next?.bytes ?? 0;
      next?.go();
    }
    if (this.waiting.length === 0 || this.rate === undefined) return;
    // A millisecond more than it takes to reach zero, for the bucket has to hold something.
    const waitMs = Math.floor((-this.held / this.rate) * 1000) + 1;
    this.cancelTimer = this.clock.after(waitMs, () => this.serve());
  }

  /** Answers what the bucket holds now. */
  private fill(): number {
    const now = this.clock.monotonic();
    if (this.rate !== undefined) {
      const most = (this.rate * KEPT_MS) / 1000;
      this.held = Math.min(most, this.held + ((now - this.filledAt) * this.rate) / 1000);
    }
    this.filledAt = now;
    return this.held;
  }
}
