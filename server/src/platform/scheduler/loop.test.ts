import { ManualClock } from '@holdfast/core/clock';
import { describe, expect, it } from 'vitest';
import { startLoop } from './loop.js';

function watch(run: () => Promise<boolean>) {
  const clock = new ManualClock();
  const errors: unknown[] = [];
  const log = { error: (...all: unknown[]) => errors.push(all) } as never;
  return { clock, errors, loop: startLoop({ name: 'test', everyMs: 100, run, timers: clock, log }) };
}

describe('a loop', () => {
  it('runs at the start, when woken, and by its timer', async () => {
    let runs = 0;
    const { clock, loop } = watch(async () => {
      runs += 1;
      return false;
    });
    await clock.advance(1);
    expect(runs).toBe(1);
    loop.wake();
    loop.wake();
    await clock.advance(1);
    expect(runs).toBe(2);
    await clock.advance(99);
    await clock.advance(2);
    expect(runs).toBe(3);
    await loop.stop();
    await clock.advance(1_000);
    expect([runs, clock.waiting]).toEqual([3, 0]);
  });

  it('runs once more when it was woken while it ran, and never twice at a time', async () => {
    let open = 0;
    let runs = 0;
    let release = (): void => undefined;
    const { clock, loop } = watch(async () => {
      expect(++open).toBe(1);
      runs += 1;
      await new Promise<void>((resolve) => (release = resolve));
      open -= 1;
      return false;
    });
    await clock.advance(1);
    loop.wake();
    await clock.advance(1_000);
    expect(runs).toBe(1);
    release();
    await new Promise((resolve) => setImmediate(resolve));
    expect(runs).toBe(2);
    release();
    await loop.stop();
  });

  it('goes on as long as there is more, and after a failure', async () => {
    let runs = 0;
    const { clock, errors, loop } = watch(async () => {
      runs += 1;
      if (runs === 4) throw new Error('once');
      return runs < 3;
    });
    await clock.advance(1);
    expect(runs).toBe(3);
    await clock.advance(100);
    expect([runs, errors.length]).toEqual([4, 1]);
    await clock.advance(101);
    expect(runs).toBe(5);
    await loop.stop();
  });
});
