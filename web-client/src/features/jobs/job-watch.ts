import { backOffMs } from '../../platform/graphql/back-off';
import type { JobView } from './job-fragment';
import type { LiveJobs } from './live-jobs';

/** Between two looks while updates may be missed, and while they come. */
const LOOK_MS = 5_000;
const REASSURE_MS = 60_000;
/** A subscription that has lasted so long was not refused, and what happened before it began has been looked at. */
const SETTLED_MS = 5_000;
/** Jobs asked for one by one in a look. */
const MOST_ASKED = 20;

export interface JobSink {
  update(job: JobView): void;
  /** No more updates come, whatever the reason. */
  end(): void;
}

export interface JobWatchPorts {
  readonly subscribe: (subscriptionId: string, sink: JobSink) => () => void;
  /** Jobs that have not ended, and the newest; undefined when there is no answer. */
  readonly readJobs: () => Promise<readonly JobView[] | undefined>;
  /** Null for one that may not be seen any more. */
  readonly readJob: (id: string) => Promise<JobView | null | undefined>;
  readonly isVisible: () => boolean;
  /** Lists are out of date. */
  readonly news: () => void;
}

/**
 * Keeps the picture of the jobs true, whatever becomes of the live updates. The server may have no room for another watcher, end a
 * subscription, or be away: then jobs are read every few seconds, and what was ended is subscribed to again, ever more
 * seldom. That goes on until everything has held for a while and was looked at once more, so that nothing between is missed; and
 * for what nobody thought of there is a look every minute.
 */
export class JobWatch {
  readonly #jobs: LiveJobs;
  readonly #ports: JobWatchPorts;
  readonly #ends = new Map<string, () => void>();
  readonly #lost = new Set<string>();
  #connected = false;
  /** When everything began to hold; undefined while something does not. */
  #heldSince: number | undefined;
  #caughtUp = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(jobs: LiveJobs, ports: JobWatchPorts) {
    this.#jobs = jobs;
    this.#ports = ports;
  }

  start(subscriptionIds: readonly string[]): void {
    for (const id of subscriptionIds) this.#subscribe(id, 0);
    this.#assess();
    this.#lookIn(LOOK_MS);
  }

  /** Whether the connection that brings the updates stands. */
  setConnected(connected: boolean): void {
    this.#connected = connected;
    this.#assess();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const end of this.#ends.values()) end();
  }

  #subscribe(id: string, tries: number): void {
    const began = Date.now();
    this.#lost.delete(id);
    let over = false;
    const unsubscribe = this.#ports.subscribe(id, {
      update: (job) => {
        if (!over && this.#jobs.take(job)) this.#ports.news();
      },
      end: () => {
        if (over) return;
        over = true;
        unsubscribe();
        this.#subscribeLater(id, Date.now() - began > SETTLED_MS ? 0 : tries);
      },
    });
    this.#ends.set(id, () => {
      over = true;
      unsubscribe();
    });
  }

  #subscribeLater(id: string, tries: number): void {
    this.#lost.add(id);
    const timer = setTimeout(() => {
      this.#subscribe(id, tries + 1);
      this.#assess();
    }, backOffMs(tries));
    this.#ends.set(id, () => clearTimeout(timer));
    this.#jobs.setDelayed(true);
    this.#assess();
  }

  #assess(): void {
    if (this.#stopped) return;
    if (this.#connected && this.#lost.size === 0) {
      this.#heldSince ??= Date.now();
      return;
    }
    this.#heldSince = undefined;
    if (!this.#caughtUp) return;
    this.#caughtUp = false;
    this.#lookIn(LOOK_MS);
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const settled = this.#heldSince !== undefined && Date.now() - this.#heldSince >= SETTLED_MS;
      const looked = this.#ports.isVisible() ? this.#look() : Promise.resolve(false);
      void looked.then((done) => {
        if (this.#stopped) return;
        if (done && settled && this.#heldSince !== undefined) {
          this.#caughtUp = true;
          this.#jobs.setDelayed(false);
        }
        this.#lookIn(this.#caughtUp ? REASSURE_MS : LOOK_MS);
      });
    }, ms);
  }

  /** Answers whether all is known that could have been missed. */
  async #look(): Promise<boolean> {
    const before = this.#jobs.lastHeard;
    const read = await this.#ports.readJobs();
    if (this.#stopped || read === undefined) return false;
    let changed = read.filter((job) => this.#jobs.take(job)).length;
    const silent = this.#jobs.openAndSilentSince(before);
    const asked = silent.slice(0, MOST_ASKED);
    const answers = await Promise.all(asked.map((id) => this.#ports.readJob(id)));
    if (this.#stopped) return false;
    for (const [place, id] of asked.entries()) {
      const job = answers[place];
      if (job === null) this.#jobs.forget(id);
      else if (job !== undefined && this.#jobs.take(job)) changed += 1;
    }
    if (changed > 0) this.#ports.news();
    return silent.length <= MOST_ASKED && !answers.includes(undefined);
  }
}
