import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import type { Clock, Timers } from '@holdfast/core/clock';

export type Party = 'agent' | 'gateway' | 'control';

const current = new AsyncLocalStorage<Life>();

/** The code is of a process that was killed: nothing that it does from here on has any effect. */
class Killed extends Error {
  constructor(party: Party) {
    super(`the ${party} was killed`);
  }
}

/**
 * One run of one process. A kill cannot stop code in the middle of a thread, so it takes its world away: every port of the process
 * refuses from then on, and what it would have left on a disk of its own was copied in that moment.
 */
export class Life {
  alive = true;
  private readonly ends: (() => void)[] = [];

  constructor(readonly party: Party) {}

  /** The life that the calling code belongs to. */
  static get current(): Life | undefined {
    return current.getStore();
  }

  /** Runs code as this process's. */
  live<T>(work: () => T): T {
    return current.run(this, work);
  }

  check(): void {
    if (!this.alive) throw new Killed(this.party);
  }

  onEnd(end: () => void): void {
    this.ends.push(end);
  }

  end(): void {
    if (!this.alive) return;
    this.alive = false;
    for (const end of this.ends.splice(0)) end();
  }

  /** The same object, usable for as long as the process lives. */
  guard<T extends object>(port: T, after: (method: string) => void = () => undefined): T {
    const check = (): void => this.check();
    return new Proxy(port, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          check();
          const result: unknown = Reflect.apply(value, target, args);
          after(String(name));
          if (!(result instanceof Promise)) return result;
          return result.then((answer: unknown) => {
            check();
            return answer;
          });
        };
      },
    });
  }

  clock(clock: Clock & Timers): Clock & Timers {
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (ms, run) =>
        clock.after(
          ms,
          AsyncResource.bind(() => {
            if (this.alive) run();
          }),
        ),
      sleep: async (ms, signal) => {
        this.check();
        await clock.sleep(ms, signal);
        this.check();
      },
    };
  }
}
