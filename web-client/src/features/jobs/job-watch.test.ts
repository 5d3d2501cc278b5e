import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { JobState } from '../../gql/graphql';
import type { JobView } from './job-fragment';
import { type JobSink, JobWatch } from './job-watch';
import { LiveJobs } from './live-jobs';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const NEWEST = 1;

const job = (id: string, state: JobState, bytesRead = '0'): JobView =>
  ({
    id,
    state,
    attempt: 1,
    createdAt: '',
    progress: { entries: '0', bytesTotal: '0', bytesRead, bytesSent: '0', bytesWritten: '0' },
  }) as unknown as JobView;

/** A server with a few jobs, which takes so many watchers. */
class Site {
  readonly jobs = new LiveJobs();
  readonly server = new Map<string, JobView>();
  readonly sinks = new Map<string, JobSink>();
  room = 1;
  tries = 0;
  looks = 0;
  asked: string[] = [];
  news = 0;
  answers = true;
  visible = true;
  readonly watch = new JobWatch(this.jobs, {
    subscribe: (subscriptionId, sink) => {
      this.tries += 1;
      if (this.sinks.size < this.room) this.sinks.set(subscriptionId, sink);
      else void Promise.resolve().then(() => sink.end());
      return () => this.sinks.delete(subscriptionId);
    },
    readJobs: async () => {
      this.looks += 1;
      if (!this.answers) return undefined;
      const all = [...this.server.values()];
      return [...all.filter(({ state }) => state === 'RUNNING'), ...all.slice(-NEWEST)];
    },
    readJob: async (id) => {
      this.asked.push(id);
      return this.server.get(id) ?? null;
    },
    isVisible: () => this.visible,
    news: () => {
      this.news += 1;
    },
  });

  /** The server tells whoever watches. */
  tell(changed: JobView): void {
    this.server.set(changed.id, changed);
    for (const sink of this.sinks.values()) sink.update(changed);
  }

  shown(id: string): JobState | undefined {
    return this.jobs.current().get(id)?.state;
  }
}

let site: Site;
beforeEach(() => {
  vi.useFakeTimers();
  site = new Site();
});
afterEach(() => {
  site.watch.stop();
  vi.useRealTimers();
});

function open(ids: readonly string[] = ['s']): void {
  site.watch.start(ids);
  site.watch.setConnected(true);
}

it('looks once a minute while updates come', async () => {
  open();
  await vi.advanceTimersByTimeAsync(MINUTE);
  const before = site.looks;
  await vi.advanceTimersByTimeAsync(10 * MINUTE);
  expect(site.looks - before).toBe(10);
  expect([site.tries, site.jobs.isDelayed()]).toEqual([1, false]);
});

it('without room at the server jobs are looked at every few seconds, from beginning to end', async () => {
  site.room = 0;
  open();
  await vi.advanceTimersByTimeAsync(MINUTE);
  expect(site.jobs.isDelayed()).toBe(true);
  const pictures: (string | undefined)[] = [];
  for (const now of [job('a', 'RUNNING', '1'), job('a', 'RUNNING', '2'), job('a', 'COMPLETED')]) {
    site.tell(now);
    await vi.advanceTimersByTimeAsync(5 * SECOND);
    const shown = site.jobs.current().get('a');
    pictures.push(`${shown?.state} ${shown?.progress.bytesRead}`);
  }
  expect(pictures).toEqual(['RUNNING 1', 'RUNNING 2', 'COMPLETED 0']);
  expect(site.news).toBe(2);
});

it('without room a job that began and ended between two looks is news', async () => {
  site.room = 0;
  open();
  await vi.advanceTimersByTimeAsync(MINUTE);
  site.tell(job('a', 'COMPLETED'));
  await vi.advanceTimersByTimeAsync(5 * SECOND);
  expect([site.shown('a'), site.news]).toEqual(['COMPLETED', 1]);
});

it('a refused subscription is tried again, ever more seldom, and takes over once there is room', async () => {
  site.room = 0;
  open();
  const tries: number[] = [];
  for (let minute = 0; minute < 10; minute += 1) {
    const before = site.tries;
    await vi.advanceTimersByTimeAsync(MINUTE);
    tries.push(site.tries - before);
  }
  expect(tries[0]).toBeGreaterThan(3);
  for (const later of tries.slice(3)) expect([0, 1, 2]).toContain(later);
  site.room = 1;
  await vi.advanceTimersByTimeAsync(2 * MINUTE);
  expect([site.sinks.size, site.jobs.isDelayed()]).toEqual([1, false]);
  const { looks, tries: tried } = site;
  site.tell(job('a', 'RUNNING'));
  expect(site.shown('a')).toBe('RUNNING');
  await vi.advanceTimersByTimeAsync(2 * MINUTE);
  expect([site.looks - looks, site.tries]).toEqual([2, tried]);
});

it('one refused subscription of several keeps the looks going, and leaves the others alone', async () => {
  open(['s', 't']);
  await vi.advanceTimersByTimeAsync(MINUTE);
  expect([[...site.sinks.keys()], site.jobs.isDelayed()]).toEqual([['s'], true]);
  expect(site.looks).toBe(12);
});

it('a subscription that is lost after it has held for long is looked after from then on', async () => {
  open();
  await vi.advanceTimersByTimeAsync(10 * MINUTE);
  site.room = 0;
  for (const sink of [...site.sinks.values()]) sink.end();
  const { looks } = site;
  await vi.advanceTimersByTimeAsync(MINUTE);
  expect(site.looks - looks).toBe(12);
});

it('what ends while a subscription is lost does not stay open for ever', async () => {
  open();
  site.tell(job('a', 'RUNNING'));
  site.tell(job('b', 'RUNNING'));
  site.room = 0;
  for (const sink of [...site.sinks.values()]) sink.end();
  site.tell(job('a', 'FAILED'));
  site.server.delete('b');
  site.tell(job('c', 'COMPLETED'));
  site.room = 1;
  await vi.advanceTimersByTimeAsync(MINUTE);
  expect([site.shown('a'), site.shown('b'), site.sinks.size]).toEqual(['FAILED', undefined, 1]);
  expect(site.asked).toEqual(['a', 'b']);
});

it('what ends while the connection is away is found once it is back', async () => {
  open();
  await vi.advanceTimersByTimeAsync(MINUTE);
  site.tell(job('a', 'RUNNING'));
  site.watch.setConnected(false);
  const held = new Map(site.sinks);
  site.sinks.clear();
  site.answers = false;
  await vi.advanceTimersByTimeAsync(10 * MINUTE);
  site.tell(job('a', 'COMPLETED'));
  expect(site.shown('a')).toBe('RUNNING');
  for (const [id, sink] of held) site.sinks.set(id, sink);
  site.watch.setConnected(true);
  site.answers = true;
  await vi.advanceTimersByTimeAsync(5 * SECOND);
  expect(site.shown('a')).toBe('COMPLETED');
  await vi.advanceTimersByTimeAsync(MINUTE);
  const { looks } = site;
  await vi.advanceTimersByTimeAsync(MINUTE);
  expect(site.looks - looks).toBe(1);
});

it('what happens between a look and the moment that updates come again is looked at', async () => {
  open();
  await vi.advanceTimersByTimeAsync(MINUTE);
  site.tell(job('a', 'RUNNING'));
  for (const sink of [...site.sinks.values()]) sink.end();
  const { looks } = site;
  while (site.sinks.size === 0 || site.looks === looks) await vi.advanceTimersByTimeAsync(SECOND);
  // The server had still not begun to watch for it.
  site.server.set('a', job('a', 'COMPLETED'));
  await vi.advanceTimersByTimeAsync(15 * SECOND);
  expect(site.shown('a')).toBe('COMPLETED');
});

it('nobody looks while nobody sees the page, and the first look afterwards finds what was missed', async () => {
  open();
  await vi.advanceTimersByTimeAsync(MINUTE);
  site.tell(job('a', 'RUNNING'));
  site.room = 0;
  for (const sink of [...site.sinks.values()]) sink.end();
  site.visible = false;
  site.server.set('a', job('a', 'COMPLETED'));
  const { looks } = site;
  await vi.advanceTimersByTimeAsync(10 * MINUTE);
  expect(site.looks).toBe(looks);
  site.visible = true;
  await vi.advanceTimersByTimeAsync(5 * SECOND);
  expect(site.shown('a')).toBe('COMPLETED');
});

it('a page that is left asks for nothing more', async () => {
  site.room = 0;
  open();
  await vi.advanceTimersByTimeAsync(MINUTE);
  site.watch.stop();
  const { looks, tries } = site;
  await vi.advanceTimersByTimeAsync(10 * MINUTE);
  expect([site.looks, site.tries]).toEqual([looks, tries]);
});
