import { ManualClock } from '@holdfast/core/clock';
import { expect, it } from 'vitest';
import { Pace, tooFast } from './pace.js';

it('lets each key have a burst, and then so many a second', async () => {
  const clock = new ManualClock();
  const pace = new Pace({ burst: 3, perSecond: 2 }, clock);
  const times = (key: string, tries: number): number =>
    Array.from({ length: tries }, () => pace.allows(key)).filter(Boolean).length;
  expect([times('a', 10), times('b', 10)]).toEqual([3, 3]);
  await clock.advance(1_000);
  expect(times('a', 10)).toBe(2);
  await clock.advance(3_600_000);
  expect(times('a', 10)).toBe(3);
});

it('says how long to wait for whoever goes on in any case', async () => {
  const clock = new ManualClock();
  const pace = new Pace({ burst: 2, perSecond: 4 }, clock);
  expect([1, 2, 3, 4].map(() => pace.delay('a'))).toEqual([0, 0, 250, 500]);
  await clock.advance(1_000);
  expect(pace.delay('a')).toBe(0);
});

it('says when there is room again to whoever was refused', async () => {
  const clock = new ManualClock();
  const pace = new Pace({ burst: 1, perSecond: 0.5 }, clock);
  expect(pace.roomInMs('a')).toBe(0);
  pace.allows('a');
  await clock.advance(500);
  expect(pace.roomInMs('a')).toBe(1_500);
  const refusal = tooFast(pace.roomInMs('a'));
  expect(refusal).toMatchObject({ kind: 'RateLimited', code: 'TOO_FAST', details: { retryAfterSeconds: '2' } });
  expect(refusal.message).toContain('try again in 2 s');
  await clock.advance(1_500);
  expect(pace.allows('a')).toBe(true);
});

it('counts what something came to afterwards, and leaves no room until that is made up for', async () => {
  const clock = new ManualClock();
  const pace = new Pace({ burst: 1_000, perSecond: 50 }, clock);
  pace.spend('a', 1_500);
  expect(pace.roomInMs('a')).toBe(10_020);
  await clock.advance(10_020);
  expect(pace.roomInMs('a')).toBe(0);
});

it('forgets the key that came longest ago when there are very many', () => {
  const pace = new Pace({ burst: 1, perSecond: 1 }, new ManualClock());
  pace.allows('first');
  for (let i = 0; i < 9_999; i += 1) pace.allows(`key ${i}`);
  expect(pace.allows('first')).toBe(false);
  for (let i = 0; i < 10_000; i += 1) pace.allows(`other ${i}`);
  expect(pace.allows('first')).toBe(true);
});
