import { ManualClock } from '@holdfast/core/clock';
import { beforeEach, describe, expect, it } from 'vitest';
import { Admission, type AdmissionLimits } from './admission.js';
import type { Place } from './place.js';

const never = new AbortController().signal;
const SLOW_MS = 20 * 60_000;

let clock: ManualClock;

beforeEach(() => {
  clock = new ManualClock();
});

function admissionOf(limits: Partial<AdmissionLimits>): Admission {
  const fairness = { leastBytesPerSecond: 1_000, windowMs: 10_000, patienceMs: 60_000, slowMs: SLOW_MS };
  return new Admission({ places: 1, queue: 10, perKey: 10, ...fairness, ...limits }, { clock, timers: clock });
}

const agent = (key: string, group = 'vault') => ({ group, key });

function enterAll(admission: Admission, key: string, count: number, group?: string): Promise<Place[]> {
  return Promise.all(Array.from({ length: count }, () => admission.enter(agent(key, group), never)));
}

/** As calls do that are told to give their place back. */
function leaveWhenTaken(places: readonly Place[]): void {
  for (const place of places) place.signal.addEventListener('abort', () => place.leave());
}

const taken = (places: readonly Place[]): number => places.filter(({ signal }) => signal.aborted).length;

async function passes(seconds: number, movers: readonly Place[] = []): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    for (const place of movers) place.moved(2_000);
    await clock.advance(1_000);
  }
}

describe('admission', () => {
  it('lets waiters in one by one, in the order in which they came', async () => {
    const admission = admissionOf({});
    const order: number[] = [];
    const place = await admission.enter(agent('a'), never);
    const waiters = [1, 2, 3].map(async (each) => {
      const own = await admission.enter(agent(`${each}`), never);
      order.push(each);
      own.leave();
    });
    await Promise.resolve();
    expect(order).toEqual([]);
    place.leave();
    place.leave();
    await Promise.all(waiters);
    expect(order).toEqual([1, 2, 3]);
    expect(clock.waiting).toBe(0);
  });

  it('refuses beyond its queue, and forgets who stops waiting', async () => {
    const admission = admissionOf({ queue: 1 });
    const place = await admission.enter(agent('a'), never);
    const gone = new AbortController();
    const waiter = admission.enter(agent('b'), gone.signal);
    await expect(admission.enter(agent('c'), never)).rejects.toMatchObject({ kind: 'RateLimited' });
    gone.abort(new Error('gone'));
    await expect(waiter).rejects.toThrow('gone');
    const next = admission.enter(agent('c'), never);
    place.leave();
    expect((await next).guest.key).toBe('c');
  });

  it('keeps places free of an agent that has its share, until that gives one back', async () => {
    const admission = admissionOf({ places: 3, queue: 3, perKey: 2 });
    const [place] = await enterAll(admission, 'greedy', 2);
    await expect(admission.enter(agent('greedy'), never)).rejects.toMatchObject({ kind: 'RateLimited' });
    await admission.enter(agent('other'), never);
    place?.leave();
    await admission.enter(agent('greedy'), never);
  });

  it("counts a call as its agent's until nothing of it is held any more, though others may have its place", async () => {
    const admission = admissionOf({ perKey: 1 });
    const [place] = await enterAll(admission, 'a', 1);
    const closed = Promise.withResolvers<void>();
    place?.leave(closed.promise);
    const [other] = await enterAll(admission, 'b', 1);
    other?.leave();
    await expect(admission.enter(agent('a'), never)).rejects.toMatchObject({ kind: 'RateLimited' });
    closed.resolve();
    await closed.promise;
    await admission.enter(agent('a'), never);
  });

  it('lets in first whose vault, and then who himself, has the fewest places', async () => {
    const admission = admissionOf({ places: 3 });
    const [first, second, third] = await enterAll(admission, 'greedy', 3);
    const order: string[] = [];
    const wait = (key: string, group?: string) =>
      void admission.enter(agent(key, group), never).then(() => order.push(key));
    wait('greedy');
    wait('modest');
    wait('stranger', 'another vault');
    for (const place of [first, second, third]) {
      place?.leave();
      await clock.advance(0);
    }
    expect(order).toEqual(['stranger', 'modest', 'greedy']);
  });

  it('has the queue give room to one who has less under way than the last who wait', async () => {
    const admission = admissionOf({ places: 1, queue: 2 });
    await admission.enter(agent('greedy'), never);
    const waiters = [admission.enter(agent('greedy'), never), admission.enter(agent('greedy'), never)];
    void admission.enter(agent('modest'), never);
    await expect(waiters[1]).rejects.toMatchObject({ kind: 'RateLimited' });
    await expect(admission.enter(agent('greedy'), never)).rejects.toMatchObject({ kind: 'RateLimited' });
  });

  it('takes places from slow calls of those who have more, as long as others wait who have less', async () => {
    const admission = admissionOf({ places: 4 });
    const slow = await enterAll(admission, 'slow', 4);
    leaveWhenTaken(slow);
    await passes(30);
    expect(taken(slow)).toBe(0);
    const waiters = enterAll(admission, 'waiter', 3);
    await passes(1);
    expect(slow.find(({ signal }) => signal.aborted)?.signal.reason).toMatchObject({ kind: 'RateLimited' });
    await passes(30);
    // Two and two: the third has to wait until one is given back.
    expect(taken(slow)).toBe(2);
    slow.find(({ signal }) => !signal.aborted)?.leave();
    await waiters;
  });

  it('knows nothing against a call that is younger than what it is measured over', async () => {
    const admission = admissionOf({ places: 2 });
    const slow = await enterAll(admission, 'slow', 2);
    void admission.enter(agent('waiter'), never);
    await passes(9);
    expect(taken(slow)).toBe(0);
    await passes(2);
    expect(taken(slow)).toBe(1);
  });

  it('leaves a call its place that moves, though its agent has more, until another has waited for long', async () => {
    const admission = admissionOf({ places: 2 });
    const moving = await enterAll(admission, 'moving', 2);
    void admission.enter(agent('waiter'), never);
    await passes(59, moving);
    expect(taken(moving)).toBe(0);
    await passes(2, moving);
    expect(taken(moving)).toBe(1);
  });

  it('leaves the only place of a slow agent to it for long, but not for ever', async () => {
    const admission = admissionOf({});
    const [slow] = await enterAll(admission, 'slow', 1);
    void admission.enter(agent('waiter'), never);
    await clock.advance(SLOW_MS - 1_000);
    expect(slow?.signal.aborted).toBe(false);
    await clock.advance(2_000);
    expect(slow?.signal.aborted).toBe(true);
  });

  it('gives one of another vault a place of those whom many agents of one vault hold', async () => {
    const admission = admissionOf({ places: 4 });
    const many = (await Promise.all(['a', 'b', 'c', 'd'].map((key) => enterAll(admission, key, 1)))).flat();
    leaveWhenTaken(many);
    await passes(20);
    const waiter = admission.enter(agent('victim', 'another vault'), never);
    await passes(2);
    expect((await waiter).guest.key).toBe('victim');
    expect(taken(many)).toBe(1);
  });

  it('takes no place from a call of which all has come', async () => {
    const admission = admissionOf({ places: 2 });
    const slow = await enterAll(admission, 'slow', 2);
    for (const place of slow) place.keep();
    void admission.enter(agent('waiter'), never);
    await passes(100);
    expect(taken(slow)).toBe(0);
  });
});
