import type { Clock, Timers } from '@holdfast/core/clock';

const LONGEST_SILENCE_MS = 20_000;

/**
 * Beats at an interval and listens for the answers. A connection whose other end is gone without a word looks open for
 * many minutes to TCP; here it is given up when nothing was answered for 20 s.
 */
export class Heartbeat {
  private sequence = 0n;
  private heardAt: number;
  private cancelTimer: () => void = () => {};

  constructor(
    private readonly clock: Clock & Timers,
    private readonly intervalMs: number,
    private readonly beat: (sequence: bigint) => void,
    private readonly onSilence: () => void,
  ) {
    this.heardAt = clock.monotonic();
    this.arm();
  }

  /** Anything that arrives shows that the other end lives. */
  heard(): void {
    this.heardAt = this.clock.monotonic();
  }

  stop(): void {
    this.cancelTimer();
  }

  private arm(): void {
    this.cancelTimer = this.clock.after(this.intervalMs, () => this.tick());
  }

  private tick(): void {
    if (this.clock.monotonic() - this.heardAt >= LONGEST_SILENCE_MS) {
      this.onSilence();
      return;
    }
    this.sequence += 1n;
    this.beat(this.sequence);
    this.arm();
  }
}
