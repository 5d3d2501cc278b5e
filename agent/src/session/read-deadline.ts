import type { Timers } from '@holdfast/core/clock';

export const READ_TIMEOUT_MS = 15 * 60_000;

/** Of one read: it has so long until its first answer, before which it may wait for others, and so long from there. */
export class ReadDeadline {
  private cancel: () => void;
  private hasAnswer = false;

  constructor(
    private readonly timers: Pick<Timers, 'after'>,
    private readonly end: () => void,
  ) {
    this.cancel = timers.after(READ_TIMEOUT_MS, end);
  }

  answered(): void {
    if (this.hasAnswer) return;
    this.hasAnswer = true;
    this.cancel();
    this.cancel = this.timers.after(READ_TIMEOUT_MS, this.end);
  }

  stop(): void {
    this.cancel();
  }
}
