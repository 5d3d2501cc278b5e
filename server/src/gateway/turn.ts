import { setImmediate } from 'node:timers/promises';
import type { Clock } from '@holdfast/core/clock';

const LONGEST_MS = 10;

/** Long work on the gateway's one thread, in parts: between them others get their turn. */
export class Turn {
  private began: number;

  constructor(private readonly clock: Clock) {
    this.began = clock.monotonic();
  }

  /** Resolves at once while the work has not taken long, and after everybody else otherwise. */
  async pass(): Promise<void> {
    if (this.clock.monotonic() - this.began < LONGEST_MS) return;
    await setImmediate();
    this.began = this.clock.monotonic();
  }
}
