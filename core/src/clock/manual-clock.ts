import { cancelledSleep } from './cancelled-sleep.js';
import type { Clock, Timers } from './clock.js';

interface Waiter {
  readonly at: number;
  readonly run: () => void;
}

/** A clock that moves only when told to. Timers run, in order of time, inside `advance`. */
export class ManualClock implements Clock, Timers {
  private elapsed = 0;
  private readonly waiters = new Set<Waiter>();

  /** @param wall what `now` says at first, milliseconds since 1970 */
  constructor(private wall = 0) {}

  now(): number {
    return this.wall;
  }

  monotonic(): number {
    return this.elapsed;
  }

  /** The wall clock jumps, as when someone sets it; monotonic time and timers do not. */
  setWallClock(ms: number): void {
    this.wall = ms;
  }

  /** Number of timers not yet due. */
  get waiting(): number {
    return this.waiters.size;
  }

  /** Moves time on, running what falls due on the way; promises settle before each next timer. */
  async advance(ms: number): Promise<void> {
    const end = this.elapsed + ms;
    for (;;) {
      await Promise.resolve();
      const next = this.earliest(end);
      if (next === undefined) break;
      this.moveTo(next.at);
      this.waiters.delete(next);
      next.run();
    }
    this.moveTo(end);
    await Promise.resolve();
  }

  after(ms: number, run: () => void): () => void {
    const waiter: Waiter = { at: this.elapsed + Math.max(ms, 0), run };
    this.waiters.add(waiter);
    return () => void this.waiters.delete(waiter);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(cancelledSleep(signal));
      const stop = (): void => {
        cancel();
        reject(cancelledSleep(signal));
      };
      const cancel = this.after(ms, () => {
        signal?.removeEventListener('abort', stop);
        resolve();
      });
      signal?.addEventListener('abort', stop, { once: true });
    });
  }

  private earliest(end: number): Waiter | undefined {
    let first: Waiter | undefined;
    for (const waiter of this.waiters) {
      if (waiter.at <= end && (first === undefined || waiter.at < first.at)) first = waiter;
    }
    return first;
  }

  private moveTo(elapsed: number): void {
    this.wall += elapsed - this.elapsed;
    this.elapsed = elapsed;
  }
}
