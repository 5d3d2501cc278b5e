import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Clock, Timers } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';

interface Waiter {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Real time: a thread may be at work that cannot be seen from here, such as one that flushes a file system. */
const PATIENCE_MS = 20_000;
/** Turns of the event loop in which nothing may come of anything, before time is let go on. */
const QUIET_TURNS = 3;
/** Simulated milliseconds: whatever is under way for so long hangs. */
const LONGEST_MS = 4 * 3_600_000;
/** What is only looked at again after so long is nothing that is under way. */
const FAR_MS = 3_600_000;

/**
 * Time that stands still while anything is being done, and jumps to the next timer when nothing is: an hour of waiting costs nothing,
 * and what happens when does not depend on how fast this machine is.
 */
export class SimulationClock implements Clock, Timers {
  private elapsed = 0;
  private orders = 0;
  private readonly waiters = new Set<Waiter>();
  /** Milliseconds that went by because somebody let them. */
  private passed = 0;
  private passing = false;

  constructor(private readonly start: number) {}

  now(): number {
    return this.start + this.elapsed;
  }

  monotonic(): number {
    return this.elapsed;
  }

  after(ms: number, run: () => void): () => void {
    const waiter = { at: this.elapsed + Math.max(ms, 0), order: this.orders++, run };
    this.waiters.add(waiter);
    return () => void this.waiters.delete(waiter);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        cancel();
        reject(new HoldfastError({ kind: 'Cancelled', code: 'WAIT_CANCELLED', message: 'The wait was cancelled.' }));
      };
      const cancel = this.after(ms, () => {
        signal?.removeEventListener('abort', stop);
        resolve();
      });
      if (signal?.aborted) return stop();
      signal?.addEventListener('abort', stop, { once: true });
    });
  }

  /** Lets so much time go by in which nothing has to come of anything. */
  async pass(ms: number): Promise<void> {
    this.passed += ms;
    this.passing = true;
    await this.sleep(ms);
    this.passing = false;
  }

  /** Lets time go on until the work is done. Throws when it takes hours: then it hangs. */
  async run<T>(work: Promise<T>, isBusy: () => boolean): Promise<T> {
    let over = false;
    const settled = work.finally(() => {
      over = true;
    });
    settled.catch(() => undefined);
    const until = this.elapsed + LONGEST_MS - this.passed;
    while (!over) {
      for (let quiet = 0; quiet < QUIET_TURNS && !over; quiet++) {
        await setImmediate();
        if (isBusy()) quiet = -1;
      }
      if (over) break;
      const first = this.first();
      if (first === undefined) await untilTrue(() => over || this.first() !== undefined);
      else this.goOnTo(first);
      if (this.elapsed - this.passed > until) throw new Error('it hangs: nothing came of it in hours');
    }
    return settled;
  }

  private first(): Waiter | undefined {
    let first: Waiter | undefined;
    for (const waiter of this.waiters) {
      if (first === undefined || waiter.at < first.at || (waiter.at === first.at && waiter.order < first.order))
        first = waiter;
    }
    return this.passing || (first?.at ?? 0) - this.elapsed < FAR_MS ? first : undefined;
  }

  private goOnTo(waiter: Waiter): void {
    this.waiters.delete(waiter);
    this.elapsed = Math.max(this.elapsed, waiter.at);
    waiter.run();
  }
}

async function untilTrue(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('it hangs: nothing is under way, and nobody waits for a time');
    await setTimeout(1);
  }
}
