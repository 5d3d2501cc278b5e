import { describe, expect, it } from 'vitest';
import { Admission } from './admission.js';

const never = new AbortController().signal;

describe('admission', () => {
  it('lets waiters in one by one, in the order in which they came', async () => {
    const admission = new Admission(1, 10);
    const order: number[] = [];
    const leave = await admission.enter(never);
    const waiters = [1, 2, 3].map(async (each) => {
      const out = await admission.enter(never);
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
    const admission = new Admission(1, 1);
    const leave = await admission.enter(never);
    const gone = new AbortController();
    const waiter = admission.enter(gone.signal);
    await expect(admission.enter(never)).rejects.toMatchObject({ kind: 'RateLimited' });
    gone.abort(new Error('gone'));
    await expect(waiter).rejects.toThrow('gone');
    const next = admission.enter(never);
    leave();
    await expect(next).resolves.toBeTypeOf('function');
  });
});
