import { describe, expect, it } from 'vitest';
import { JobFeed } from './job-feed.js';

describe('the feed of changed jobs', () => {
  it('tells a watcher of the jobs that concern it, the first ones at once', async () => {
    const feed = new JobFeed();
    const seen = feed.watch(({ subscriptionId }) => subscriptionId === 'mine', ['now']);
    expect(await seen.next()).toEqual({ done: false, value: 'now' });
    const next = seen.next();
    feed.changed({ id: 'theirs', subscriptionId: 'other' });
    feed.changed({ id: 'a', subscriptionId: 'mine' });
    expect(await next).toEqual({ done: false, value: 'a' });
    await seen.return();
    expect(feed.watching).toBe(0);
  });

  it('keeps one entry per job for a slow watcher', async () => {
    const feed = new JobFeed();
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
});
