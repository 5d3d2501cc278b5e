import { ManualClock, systemClock } from '@holdfast/core/clock';
import { describe, expect, it } from 'vitest';
import { JobFeed } from './job-feed.js';

describe('the feed of changed jobs', () => {
  it('tells a watcher of the jobs that concern it, the first ones at once', async () => {
    const feed = new JobFeed(systemClock);
    const seen = feed.watch(({ subscriptionId }) => subscriptionId === 'mine', { first: ['now'] });
    expect(await seen.next()).toEqual({ done: false, value: 'now' });
    const next = seen.next();
    feed.changed({ id: 'theirs', subscriptionId: 'other' });
    feed.changed({ id: 'a', subscriptionId: 'mine' });
    expect(await next).toEqual({ done: false, value: 'a' });
    await seen.return();
    expect(feed.watching).toBe(0);
  });

  it('keeps one entry per job for a slow watcher', async () => {
    const feed = new JobFeed(systemClock);
    const seen = feed.watch(() => true);
    const first = seen.next();
    feed.changed({ id: 'a', subscriptionId: 's' });
    await first;
    for (let n = 0; n < 10_000; n += 1) feed.changed({ id: n % 2 === 0 ? 'a' : 'b', subscriptionId: 's' });
    expect([(await seen.next()).value, (await seen.next()).value].toSorted()).toEqual(['a', 'b']);
    const nothing = seen.next();
    await seen.return();
    expect(await nothing).toMatchObject({ done: true });
    expect(feed.watching).toBe(0);
  });

  it('tells of one job a few times a second, and of many less often', async () => {
    const clock = new ManualClock();
    const feed = new JobFeed(clock);
    const told: string[] = [];
    const seen = feed.watch(() => true, { first: ['a'] });
    const reading = (async () => {
      for await (const id of seen) told.push(id);
    })();
    for (let ms = 0; ms < 1_000; ms += 10) {
      feed.changed({ id: 'a', subscriptionId: 's' });
      await clock.advance(10);
    }
    expect(told).toEqual(['a', 'a', 'a', 'a']);

    told.length = 0;
    for (let ms = 0; ms < 8_000; ms += 10) {
      for (let n = 0; n < 100; n += 1) feed.changed({ id: `${n}`, subscriptionId: 's' });
      await clock.advance(10);
    }
    expect(told.length).toBeGreaterThan(200);
    expect(told.length).toBeLessThanOrEqual(500);
    await seen.return();
    await reading;
    expect(clock.waiting).toBe(0);
  });

  it('has so many watchers of one user, and no more until one ends', async () => {
    const feed = new JobFeed(systemClock);
    const watch = (userId: string): ReturnType<typeof feed.watch> => feed.watch(() => true, { first: ['a'], userId });
    const open = Array.from({ length: 80 }, () => watch('u'));
    await Promise.all(open.map((each) => each.next()));
    await expect(watch('u').next()).rejects.toMatchObject({ kind: 'RateLimited', code: 'TOO_MANY_WATCHERS' });
    await watch('v').next();
    await open[0]?.return();
    await watch('u').next();
    expect(feed.watching).toBe(81);
  });
});
