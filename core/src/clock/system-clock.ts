import { cancelledSleep } from './cancelled-sleep.js';
import type { Clock, Timers } from './clock.js';

// setTimeout fires at once for anything above 2^31 − 1 ms, so longer waits are cut into pieces.
const LONGEST_TIMER_MS = 2_147_483_647;

/** The host's clock and timers: the one place in the product that reads them. */
export const systemClock: Clock & Timers = {
  now: () => Date.now(),
  monotonic: () => performance.now(),

  after(ms, run) {
    let timer: NodeJS.Timeout;
    const arm = (left: number): void => {
      const step = Math.min(Math.max(left, 0), LONGEST_TIMER_MS);
      timer = setTimeout(() => (left > step ? arm(left - step) : run()), step);
    };
    arm(ms);
    return () => clearTimeout(timer);
  },

  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(cancelledSleep(signal));
      const stop = (): void => {
        cancel();
        reject(cancelledSleep(signal));
      };
      const cancel = systemClock.after(ms, () => {
        signal?.removeEventListener('abort', stop);
        resolve();
      });
      signal?.addEventListener('abort', stop, { once: true });
    });
  },
};
