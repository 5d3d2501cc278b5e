import { Repeater } from '@graphql-yoga/subscription';
import type { Timers } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import { CountedKeys } from '../../platform/counted-keys.js';
import type { Job } from './domain/job.js';
import type { JobEvents } from './ports.js';

export type ChangedJob = Pick<Job, 'id' | 'subscriptionId'>;

/** Of one user, who may have a page open in several places: a page watches one for each subscription, at most 40. */
const MAX_WATCHERS = 80;
const REST_MS = 250;
const REST_OF_EACH_JOB_MS = 20;

export interface WatchOptions {
  /** Told before any other, at once. */
  readonly first?: readonly string[];
  /** Who watches; undefined is this server itself. */
  readonly userId?: string | undefined;
}

/**
 * Who watches jobs in this process. A watcher hears that a job changed, not each change: however slowly it
 * reads, at most one entry per job waits for it. After it has told of all that waited it rests, the longer the more
 * there was: it tells of 50 jobs a second at most, and four times a second of one.
 */
export class JobFeed implements JobEvents {
  private readonly watchers = new Set<(job: ChangedJob) => void>();
  private readonly ofUsers = new CountedKeys();

  constructor(private readonly timers: Timers) {}

  get watching(): number {
    return this.watchers.size;
  }

  changed(job: ChangedJob): void {
    for (const hear of this.watchers) hear(job);
  }

  /** Ids of changed jobs that `concerns` picks, until the reader stops. Its first entry fails with RateLimited when the user has too many. */
  watch(concerns: (job: ChangedJob) => boolean, { first = [], userId }: WatchOptions = {}): Repeater<string> {
    // A generator that waits cannot be stopped from outside; a repeater can.
    return new Repeater<string>(async (push, stop) => {
      if (userId !== undefined && !this.ofUsers.add(userId, MAX_WATCHERS)) throw tooManyWatchers();
      const waiting = new Set(first);
      let stopped = false;
      let wake = (): void => undefined;
      const hear = (job: ChangedJob): void => {
        if (!concerns(job)) return;
        waiting.add(job.id);
        wake();
      };
      let endRest = (): void => undefined;
      this.watchers.add(hear);
      void stop.then(() => {
        stopped = true;
        wake();
        endRest();
      });
      try {
        while (!stopped) {
          if (waiting.size === 0) {
            await new Promise<void>((resolve) => (wake = resolve));
            continue;
          }
          const round = [...waiting];
          for (const next of round) {
            waiting.delete(next);
            await push(next);
            if (stopped) return;
          }
          await new Promise<void>((resolve) => {
            const cancel = this.timers.after(Math.max(REST_MS, round.length * REST_OF_EACH_JOB_MS), resolve);
            endRest = () => {
              cancel();
              resolve();
            };
          });
        }
      } finally {
        this.watchers.delete(hear);
        if (userId !== undefined) this.ofUsers.remove(userId);
      }
    });
  }
}

function tooManyWatchers(): HoldfastError {
  return new HoldfastError({
    kind: 'RateLimited',
    code: 'TOO_MANY_WATCHERS',
    message: `A user watches at most ${MAX_WATCHERS} times at once. End others first.`,
  });
}
