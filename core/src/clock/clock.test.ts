import { describe, expect, it } from 'vitest';
import { ManualClock, systemClock } from './index.js';

describe('a manual clock', () => {
  it('runs timers in order of time, each at its own moment', async () => {
    const clock = new ManualClock(1_000);
    const seen: [string, number][] = [];
    clock.after(20, () => seen.push(['b', clock.now()]));
    clock.after(10, () => seen.push(['a', clock.now()]));
    const cancel = clock.after(15, () => seen.push(['never', clock.now()]));
    cancel();
    await clock.advance(30);
    expect(seen).toEqual([
      ['a', 1_010],
      ['b', 1_020],
    ]);
    expect([clock.now(), clock.monotonic(), clock.waiting]).toEqual([1_030, 30, 0]);
  });

  it('wakes sleepers that went to sleep on the way', async () => {
    const clock = new ManualClock();
    let woke = 0;
    const run = (async () => {
      await clock.sleep(10);
      await clock.sleep(10);
      woke = clock.monotonic();
    })();
    await clock.advance(25);
    await run;
    expect(woke).toBe(20);
  });

  it('keeps monotonic time and timers when the wall clock jumps', async () => {
    const clock = new ManualClock(5_000);
    const slept = clock.sleep(10);
    clock.setWallClock(1_000);
    await clock.advance(10);
    await slept;
    expect([clock.now(), clock.monotonic()]).toEqual([1_010, 10]);
  });
});

describe.each([
  ['manual', () => new ManualClock()],
  ['system', () => systemClock],
] as const)('sleep of the %s clock', (_, make) => {
  it('ends with Cancelled when its signal fires, before or during the wait', async () => {
    const clock = make();
    await expect(clock.sleep(60_000, AbortSignal.abort())).rejects.toMatchObject({ kind: 'Cancelled' });
    const controller = new AbortController();
    const slept = clock.sleep(60_000, controller.signal);
    controller.abort();
    await expect(slept).rejects.toMatchObject({ kind: 'Cancelled' });
  });
});

describe('the system clock', () => {
  it('sleeps and moves on', async () => {
    const before = systemClock.monotonic();
    await systemClock.sleep(5);
    expect(systemClock.monotonic() - before).toBeGreaterThanOrEqual(4);
    expect(systemClock.now()).toBeGreaterThan(1_700_000_000_000);
  });
});
