import type { Clock } from '@holdfast/core/clock';
import type { TimeAtWork } from './time-at-work.js';

/** So long a question waits at least, and longer by what it waits for, at so many bytes a millisecond, up to the most. */
const LEAST_MS = 20_000;
const MOST_MS = 3 * 60_000;
const BYTES_PER_MS = 4_000;
/** Control was at work on what an uploader sent for so much of the time: it is the uploader who is slow, and otherwise the queue. */
const SLOW_SHARE = 0.5;
/** An uploader who was waited for in vain is not waited for again for so long, … */
const UPLOADER_MS = 5 * 60_000;
/** … and for the queue not by who waited for it. */
const QUEUE_MS = 60_000;

/** How long questions wait for verification, and who is not waited for again for a while because that was in vain. */
export class Patience {
  /** Until when, in monotonic milliseconds. */
  private readonly slowUploaders = new Map<string, number>();
  private readonly slowQueueFor = new Map<string, number>();

  constructor(private readonly clock: Clock) {}

  msFor(bytes: number): number {
    return Math.min(MOST_MS, LEAST_MS + bytes / BYTES_PER_MS);
  }

  isSlow(uploaderId: string): boolean {
    return this.isStill(this.slowUploaders, uploaderId);
  }

  isQueueSlowFor(askerId: string): boolean {
    return this.isStill(this.slowQueueFor, askerId);
  }

  /** So long somebody waited in vain for what these uploaders sent. */
  wasInVain(askerId: string, uploaderIds: readonly string[], ms: number, atWork: TimeAtWork): void {
    const now = this.clock.monotonic();
    for (const uploaderId of uploaderIds) {
      if (atWork.of(uploaderId) >= ms * SLOW_SHARE) this.slowUploaders.set(uploaderId, now + UPLOADER_MS);
      else this.slowQueueFor.set(askerId, now + QUEUE_MS);
    }
  }

  private isStill(until: Map<string, number>, key: string): boolean {
    const end = until.get(key);
    if (end === undefined) return false;
    if (this.clock.monotonic() < end) return true;
    until.delete(key);
    return false;
  }
}
