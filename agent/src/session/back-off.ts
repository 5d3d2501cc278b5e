import type { Random } from '@holdfast/core/ids';

/**
 * Waits between tries, with full jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture
 * Blog 2015): uniform between zero and a ceiling that doubles, so that a fleet does not return in step.
 */
export class BackOff {
  private tries = 0;

  constructor(
    private readonly random: Random,
    private readonly firstMs: number,
    private readonly longestMs: number,
  ) {}

  /** Milliseconds to wait before the next try. */
  next(): number {
    const ceiling = Math.min(this.firstMs * 2 ** this.tries, this.longestMs);
    this.tries += 1;
    return Math.ceil((ceiling * this.random.bytes(4).readUInt32LE(0)) / 0xffff_ffff);
  }

  /** Something worked. */
  reset(): void {
    this.tries = 0;
  }
}
