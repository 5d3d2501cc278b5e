import type { Timers } from '@holdfast/core/clock';
import type { Log } from '../telemetry/log.js';

export interface Loop {
  /** There may be work: run soon, and once more if it runs already. */
  wake(): void;
  /** Resolves when a run under way has ended; none starts any more. */
  stop(): Promise<void>;
}

export interface LoopOptions {
  /** For the log: `outbox`. */
  readonly name: string;
  /** Runs at least this often without being woken. */
  readonly everyMs: number;
  /** Does what there is to do. True: there is more, run again at once. What it throws is logged, and the loop goes on. */
  readonly run: () => Promise<unknown>;
  readonly timers: Timers;
  readonly log: Log;
}

/** One piece of background work that never runs twice at the same time: on signals, and by a timer in case a signal was lost. */
export function startLoop(options: LoopOptions): Loop {
  let stopped = false;
  let woken = false;
  let running: Promise<void> | undefined;
  let cancel = (): void => undefined;

  async function rounds(): Promise<void> {
    do {
      woken = false;
      try {
        if ((await options.run()) === true) woken = true;
      } catch (error) {
        options.log.error({ err: error, loop: options.name }, 'loop.failed');
      }
    } while (woken && !stopped);
  }

  function start(): void {
    cancel();
    running = rounds().finally(() => {
      running = undefined;
      if (!stopped) cancel = options.timers.after(woken ? 0 : options.everyMs, start);
    });
  }

  function wake(): void {
    woken = true;
    if (running === undefined && !stopped) {
      cancel();
      cancel = options.timers.after(0, start);
    }
  }

  wake();
  return {
    wake,
    async stop() {
      stopped = true;
      cancel();
      await running;
    },
  };
}
