import { describe, expect, it } from 'vitest';
import { Admission } from './admission.js';

const never = new AbortController().signal;

describe('admission', () => {
  it('lets waiters in one by one, in the order in which they came', async () => {
    const admission = new Admission({ places: 1, queue: 10, perKey: 10 });
    const order: number[] = [];
    const leave = await admission.enter('a', never);
    const waiters = [1, 2, 3].map(async (each) => {
      const out = await admission.enter(`${each}`, never);
      order.push(each);
      out();
    });
    await Promise.resolve();
    expect(order).toEqual([]);
    leave();
    leave();
    await Promise.all(waiters);
    expect(order).toEqual([1, 2, 3]);
  });

  it('refuses beyond its queue, and forgets who stops waiting', async () => {
    const admission = new Admission({ places: 1, queue: 1, perKey: 10 });
    const leave = await admission.enter('a', never);
    const gone = new AbortController();
    const waiter = admission.enter('b', gone.signal);
    await expect(admission.enter('c', never)).rejects.toMatchObject({ kind: 'RateLimited' });
    gone.abort(new Error('gone'));
    await expect(waiter).rejects.toThrow('gone');
    const next = admission.enter('c', never);
    leave();
    await expect(next).resolves.toBeTypeOf('function');
  });

  it('keeps places free of a key that has its share, until that key gives one back', async () => {
    const admission = new Admission({ places: 3, queue: 3, perKey: 2 });
    const leave = await admission.enter('greedy', never);
    await admission.enter('greedy', never);
    await expect(admission.enter('greedy', never)).rejects.toMatchObject({ kind: 'RateLimited' });
    await expect(admission.enter('other', never)).resolves.toBeTypeOf('function');
    leave();
    await expect(admission.enter('greedy', never)).resolves.toBeTypeOf('function');
  });
});
