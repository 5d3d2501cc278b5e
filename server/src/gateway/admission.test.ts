import { ManualClock } from '@holdfast/core/clock';
import { beforeEach, describe, expect, it } from 'vitest';
import { Admission, type AdmissionLimits } from './admission.js';
import type { Place } from './place.js';

const never = new AbortController().signal;
const TURN_MS = 15_000;

let clock: ManualClock;

beforeEach(() => {
  clock = new ManualClock();
});

function admissionOf(limits: Partial<AdmissionLimits>): Admission {
  return new Admission({ places: 1, queue: 10, perKey: 10, turnMs: TURN_MS, ...limits }, { clock, timers: clock });
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

async function passes(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) await clock.advance(1_000);
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

  it('lets calls stay as long as they like while nobody waits', async () => {
    const admission = admissionOf({ places: 2 });
    const places = await enterAll(admission, 'a', 2);
    await passes(3_600);
    expect(taken(places)).toBe(0);
  });

  it('takes places that had their turn of those who have more, until those who wait have as many', async () => {
    const admission = admissionOf({ places: 4 });
    const many = await enterAll(admission, 'many', 4);
    leaveWhenTaken(many);
    const waiters = enterAll(admission, 'waiter', 3);
    await passes(14);
    expect(taken(many)).toBe(0);
    await passes(2);
    expect(many.find(({ signal }) => signal.aborted)?.signal.reason).toMatchObject({ kind: 'RateLimited' });
    await passes(60);
    // Two and two: the third has to wait until one is given back.
    expect(taken(many)).toBe(2);
    many.find(({ signal }) => !signal.aborted)?.leave();
    await waiters;
  });

  it('hands the only place of each on after its turn to one who has none, though their vault is one', async () => {
    const admission = admissionOf({ places: 2 });
    const held = [...(await enterAll(admission, 'a', 1)), ...(await enterAll(admission, 'b', 1))];
    leaveWhenTaken(held);
    await passes(60);
    const waiter = admission.enter(agent('c'), never);
    await passes(1);
    expect(taken(held)).toBe(1);
    const place = await waiter;
    leaveWhenTaken([place]);
    void admission.enter(agent('a'), never);
    void admission.enter(agent('d'), never);
    await passes(14);
    expect([taken(held), taken([place])]).toEqual([2, 0]);
    await passes(2);
    expect(taken([place])).toBe(1);
  });

  it('hands on as many places at a time as there are agents who wait', async () => {
    const admission = admissionOf({ places: 4 });
    const held = (await Promise.all(['a', 'b', 'c', 'd'].map((key) => enterAll(admission, key, 1)))).flat();
    leaveWhenTaken(held);
    await passes(20);
    const waiters = Promise.all(['e', 'f', 'g'].map((key) => admission.enter(agent(key), never)));
    await passes(1);
    expect((await waiters).map(({ guest }) => guest.key)).toEqual(['e', 'f', 'g']);
    expect(taken(held)).toBe(3);
  });

  it('lets in first who had places for less time lately, of those who have as many now', async () => {
    const admission = admissionOf({});
    const [first] = await enterAll(admission, 'long', 1);
    await passes(10);
    const order: string[] = [];
    for (const key of ['long', 'short'])
      void admission.enter(agent(key), never).then((place) => {
        order.push(key);
        place.leave();
      });
    first?.leave();
    await passes(1);
    expect(order).toEqual(['short', 'long']);
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
