import { ManualClock } from '@holdfast/core/clock';
import { beforeEach, describe, expect, it } from 'vitest';
import { PATIENCE_MS, StorePatience } from './store-patience.js';

const never = () => new Promise<never>(() => undefined);
const answer = async () => 'answer';

let clock: ManualClock;
let patience: StorePatience;
beforeEach(() => {
  clock = new ManualClock();
  patience = new StorePatience(clock);
});

describe('patience with a store', () => {
  it('ends after so long, and tells what waits for the store', async () => {
    let over: AbortSignal | undefined;
    const waiting = patience.wait('v', (signal) => {
      over = signal;
      return never();
    });
    const ended = expect(waiting).rejects.toMatchObject({ kind: 'Timeout', code: 'STORE_TIMEOUT' });
    await clock.advance(PATIENCE_MS - 1);
    expect(over?.aborted).toBe(false);
    await clock.advance(1);
    await ended;
    expect(over?.aborted).toBe(true);
  });

  it('leaves no timer behind where a store answers, or fails', async () => {
    expect(await patience.wait('v', answer)).toBe('answer');
    await expect(patience.wait('v', () => Promise.reject(new Error('damaged')))).rejects.toThrow('damaged');
    expect(clock.waiting).toBe(0);
  });

  it('has one at a time look whether a store still hangs, and tells others at once, until it answers', async () => {
    const first = [1, 2, 3, 4].map(() => patience.wait('v', never).catch((error: unknown) => error));
    await clock.advance(PATIENCE_MS);
    expect(await Promise.all(first)).toMatchObject(Array.from({ length: 4 }, () => ({ code: 'STORE_TIMEOUT' })));

    const store = Promise.withResolvers<string>();
    const looking = patience.wait('v', () => store.promise);
    await expect(patience.wait('v', answer)).rejects.toMatchObject({ kind: 'Unavailable', code: 'STORE_HANGS' });
    expect(await patience.wait('another', answer)).toBe('answer');
    store.resolve('there again');
    expect(await looking).toBe('there again');
    const both = [patience.wait('v', answer), patience.wait('v', answer)];
    expect(await Promise.all(both)).toEqual(['answer', 'answer']);
  });
});
