/** The newest picture of each job that the live updates brought. */
import { createContext, useContext, useSyncExternalStore } from 'react';
import type { JobView } from './job-fragment';
import { isEnded, laterOf, OPEN_STATES } from './job-progress';

const KEPT = 500;

export class LiveJobs {
  #jobs: ReadonlyMap<string, JobView> = new Map();
  /** When each was heard of, as a number that grows. */
  readonly #heard = new Map<string, number>();
  #lastHeard = 0;
  #delayed = false;
  readonly #listeners = new Set<() => void>();

  /** Answers whether the job began or ended: then lists are out of date. */
  take(job: JobView): boolean {
    const before = this.#jobs.get(job.id);
    const jobs = new Map(this.#jobs);
    // Last in: the oldest to be touched goes first when there are too many.
    jobs.delete(job.id);
    jobs.set(job.id, before === undefined ? job : laterOf(job, before));
    const [oldest] = jobs.keys();
    if (jobs.size > KEPT && oldest !== undefined) jobs.delete(oldest);
    this.#lastHeard += 1;
    this.#heard.set(job.id, this.#lastHeard);
    this.#replace(jobs);
    return before === undefined || (isEnded(job.state) && !isEnded(before.state));
  }

  forget(id: string): void {
    const jobs = new Map(this.#jobs);
    jobs.delete(id);
    this.#replace(jobs);
  }

  get lastHeard(): number {
    return this.#lastHeard;
  }

  /** Ids of jobs that have not ended as far as is known, and of which nothing was heard since then; the one heard of longest ago first. */
  openAndSilentSince(heard: number): readonly string[] {
    return [...this.#jobs.values()]
      .filter(({ id, state }) => !isEnded(state) && (this.#heard.get(id) ?? 0) <= heard)
      .map(({ id }) => id);
  }

  /** Whether jobs are looked at every few seconds, instead of being told of. */
  readonly isDelayed = (): boolean => this.#delayed;

  setDelayed(delayed: boolean): void {
    if (delayed === this.#delayed) return;
    this.#delayed = delayed;
    this.#tell();
  }

  readonly current = (): ReadonlyMap<string, JobView> => this.#jobs;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #replace(jobs: ReadonlyMap<string, JobView>): void {
    this.#jobs = jobs;
    for (const id of this.#heard.keys()) if (!jobs.has(id)) this.#heard.delete(id);
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

export const LiveJobsContext = createContext<LiveJobs>(new LiveJobs());

function useLiveJobs(): ReadonlyMap<string, JobView> {
  const jobs = useContext(LiveJobsContext);
  return useSyncExternalStore(jobs.subscribe, jobs.current);
}

export function useIsDelayed(): boolean {
  const jobs = useContext(LiveJobsContext);
  return useSyncExternalStore(jobs.subscribe, jobs.isDelayed);
}

/** The given jobs, each as it is now. */
export function useJobsAsTheyAre(jobs: readonly JobView[]): readonly JobView[] {
  const live = useLiveJobs();
  return jobs.map((job) => {
    const newer = live.get(job.id);
    return newer === undefined ? job : laterOf(newer, job);
  });
}

/** The state of a job of which only that is asked. */
export function useJobState(job: Pick<JobView, 'id' | 'state'>): JobView['state'] {
  const newer = useLiveJobs().get(job.id);
  return newer === undefined || isEnded(job.state) ? job.state : newer.state;
}

/** Jobs that have not ended: those of the list and those that began since. */
export function useOpenJobs(listed: readonly JobView[]): readonly JobView[] {
  const live = useLiveJobs();
  const all = new Map(listed.map((job) => [job.id, job]));
  for (const job of live.values()) {
    const known = all.get(job.id);
    all.set(job.id, known === undefined ? job : laterOf(job, known));
  }
  return [...all.values()]
    .filter((job) => OPEN_STATES.includes(job.state))
    .sort((a, b) => b.createdAt.localeCompare(a.createdAt));
}
