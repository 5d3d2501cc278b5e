import type { Clock, Timers } from '@holdfast/core/clock';
import type { Turn } from '../turn.js';

/** A rest is no shorter than this: what a timer costs is paid for little of the time. */
const SHORTEST_REST_MS = 20;
/** A store that answered after an hour has cost nobody an hour. */
const LONGEST_REST_MS = 1_000;

export interface LookPacePorts {
  readonly turns: { of(vaultId: string): Pick<Turn, 'pass'> };
  /** Whether agents upload or restore right now. */
  readonly isBusy: () => boolean;
  readonly clock: Clock;
  readonly timers: Pick<Timers, 'sleep'>;
}

/**
 * The pace of a look at packs, for which nobody waits. Each part of it has its turn at the thread; and while agents upload or restore it rests for as
 * long as it was at work, so that it has half of the thread's and the disk's time at most.
 */
export class LookPace {
  private readonly turn: Pick<Turn, 'pass'>;
  private owedMs = 0;
  private resumed: number;

  constructor(
    private readonly ports: LookPacePorts,
    vaultId: string,
  ) {
    this.turn = ports.turns.of(vaultId);
    this.resumed = ports.clock.monotonic();
  }

  /** To be awaited before each part. */
  async pass(): Promise<void> {
    const { isBusy, clock, timers } = this.ports;
    this.owedMs += clock.monotonic() - this.resumed;
    if (!isBusy()) this.owedMs = 0;
    else if (this.owedMs >= SHORTEST_REST_MS) {
      await timers.sleep(Math.min(this.owedMs, LONGEST_REST_MS));
      this.owedMs = 0;
    }
    await this.turn.pass();
    this.resumed = clock.monotonic();
  }
}
