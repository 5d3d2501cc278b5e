import type { Clock } from '@holdfast/core/clock';

interface Time {
  pieces: number;
  since: number;
  ms: number;
}

/** For how long there was work on something of each uploader, however much at a time. */
export class TimeAtWork {
  private readonly times = new Map<string, Time>();

  constructor(private readonly clock: Clock) {}

  async during<T>(uploaderId: string, work: () => Promise<T>): Promise<T> {
    const time = this.times.get(uploaderId) ?? { pieces: 0, since: 0, ms: 0 };
    this.times.set(uploaderId, time);
    if (time.pieces === 0) time.since = this.clock.monotonic();
    time.pieces += 1;
    try {
      return await work();
    } finally {
      time.pieces -= 1;
      if (time.pieces === 0) time.ms += this.clock.monotonic() - time.since;
    }
  }

  /** Milliseconds. */
  of(uploaderId: string): number {
    const time = this.times.get(uploaderId);
    if (time === undefined) return 0;
    return time.ms + (time.pieces > 0 ? this.clock.monotonic() - time.since : 0);
  }
}
