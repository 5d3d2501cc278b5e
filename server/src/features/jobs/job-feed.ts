import { Repeater } from '@graphql-yoga/subscription';
import type { Job } from './domain/job.js';
import type { JobEvents } from './ports.js';

export type ChangedJob = Pick<Job, 'id' | 'subscriptionId'>;

/**
 * Who watches jobs in this process. A watcher hears that a job changed, not each change: however slowly it
 * reads, at most one entry per job waits for it.
 */
export class JobFeed implements JobEvents {
  private readonly watchers = new Set<(job: ChangedJob) => void>();

  get watching(): number {
    return this.watchers.size;
  }

  changed(job: ChangedJob): void {
    for (const hear of this.watchers) hear(job);
  }

  /** Ids of changed jobs that `concerns` picks, those in `first` before any other, until the reader stops. */
  watch(concerns: (job: ChangedJob) => boolean, first: readonly string[] = []): Repeater<string> {
    // A generator that waits cannot be stopped from outside; a repeater can.
    return new Repeater<string>(async (push, stop) => {
      const waiting = new Set(first);
      let stopped = false;
      let wake = (): void => undefined;
      const hear = (job: ChangedJob): void => {
        if (!concerns(job)) return;
        waiting.add(job.id);
        wake();
      };
      this.watchers.add(hear);
      void stop.then(() => {
        stopped = true;
        wake();
      });
      try {
        while (!stopped) {
          const [next] = waiting;
          if (next === undefined) {
            await new Promise<void>((resolve) => (wake = resolve));
            continue;
          }
          waiting.delete(next);
          await push(next);
        }
      } finally {
        this.watchers.delete(hear);
      }
    });
  }
}
