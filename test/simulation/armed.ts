import type { Moment } from '@holdfast/core/moments';

/** When a moment is reached for the nth time. */
export interface Appointment {
  readonly moment: Moment;
  readonly nth: number;
}

/** What is to happen at moments, one after the other: each is armed once the one before it has happened. */
export class Armed<Event extends Appointment> {
  private left: Event[] = [];
  private times = 0;

  arm(events: readonly Event[]): void {
    this.left = [...events];
    this.times = 0;
  }

  /** The moment is reached: what happens now. */
  reached(moment: Moment): Event | undefined {
    const [next] = this.left;
    if (next?.moment !== moment) return undefined;
    this.times += 1;
    if (this.times < next.nth) return undefined;
    this.left.shift();
    this.times = 0;
    return next;
  }
}
