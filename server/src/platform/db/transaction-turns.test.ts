import { setImmediate } from 'node:timers/promises';
import { ManualClock } from '@holdfast/core/clock';
import { expect, it } from 'vitest';
import { TransactionTurns } from './transaction-turns.js';

function scene(atOnce = 1) {
  const clock = new ManualClock();
  const turns = new TransactionTurns(atOnce, clock);
  const began: string[] = [];
  /** Transactions of one caller, asked for at once. */
  const ask = (who: string, count: number, ms: number): Promise<unknown> =>
    Promise.all(
      Array.from({ length: count }, (_, at) =>
        turns.run(who, async () => {
          began.push(`${who}${at}`);
          await clock.advance(ms);
        }),
      ),
    );
  return { clock, turns, began, ask };
}

it('serves callers in turns, and each of them in order of coming', async () => {
  const { began, ask } = scene();
  await Promise.all([ask('a', 5, 1), ask('b', 2, 1), ask('c', 1, 1)]);
  expect(began).toEqual(['a0', 'b0', 'c0', 'a1', 'b1', 'a2', 'a3', 'a4']);
});

it('serves more transactions of a caller whose take less time', async () => {
  const { began, ask } = scene();
  await Promise.all([ask('dear', 3, 10), ask('cheap', 12, 2)]);
  const between = began.join(' ').split(/ ?dear\d ?/);
  expect(between.slice(1, 3).map((each) => each.split(' ').length)).toEqual([5, 5]);
});

it('lets nobody save up turns by being quiet', async () => {
  const { began, ask } = scene();
  const busy = ask('busy', 12, 10);
  while (began.length < 6) await setImmediate();
  await Promise.all([busy, ask('quiet', 4, 10)]);
  expect(began.slice(6)).toEqual([
    ...['quiet0', 'busy6', 'quiet1', 'busy7', 'quiet2', 'busy8', 'quiet3'],
    ...['busy9', 'busy10', 'busy11'],
  ]);
});

it('gives the thread back once transactions have followed each other for two milliseconds', async () => {
  const { turns, clock } = scene();
  let round = 0;
  const seen: number[] = [];
  const taken = [1, 1, 1, 5, 5, 1];
  const all = Promise.all(
    taken.map((ms) =>
      turns.run('a', async () => {
        seen.push(round);
        await clock.advance(ms);
      }),
    ),
  );
  while (seen.length < taken.length) {
    await setImmediate();
    round += 1;
  }
  await all;
  const rounds = [...new Set(seen)];
  expect(seen.map((each) => rounds.indexOf(each))).toEqual([0, 0, 1, 1, 2, 3]);
});

it('runs so many at once, and those of a caller who has the fewest first', async () => {
  const { turns, began } = scene(3);
  const ends: (() => void)[] = [];
  const open = (who: string): Promise<void> =>
    turns.run(who, () => {
      began.push(who);
      return new Promise((end) => ends.push(end));
    });
  const all = ['a', 'a', 'a', 'a', 'b', 'c', 'b'].map(open);
  await setImmediate();
  expect(began).toEqual(['a', 'a', 'a']);
  for (let ended = 0; ended < all.length; ended += 1) {
    ends[ended]?.();
    await setImmediate();
  }
  await Promise.all(all);
  expect(began.slice(3)).toEqual(['b', 'c', 'a', 'b']);
});

it('goes on after one that failed', async () => {
  const { turns } = scene();
  const failed = turns.run('a', () => Promise.reject(new Error('no')));
  const next = turns.run('a', async () => 'done');
  await expect(failed).rejects.toThrow('no');
  expect(await next).toBe('done');
});
