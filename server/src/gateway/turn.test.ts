import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Turns } from './turn.js';

/** Time that goes on only while somebody works, and a little when somebody looks. */
class WorkClock {
  elapsed = 0;
  now(): number {
    return this.elapsed;
  }
  monotonic(): number {
    this.elapsed += 0.002;
    return this.elapsed;
  }
}

function bench() {
  const clock = new WorkClock();
  const turns = new Turns(clock);
  const done: string[] = [];
  /** Work in parts of one millisecond each. */
  const work = async (who: string, parts: number): Promise<number> => {
    const turn = turns.of(who);
    for (let part = 0; part < parts; part += 1) {
      await turn.pass();
      clock.elapsed += 1;
      done.push(who);
    }
    return turn.spentMs();
  };
  return { clock, turns, done, work };
}

it('a turn ends after some milliseconds, however many pieces of work are under way, and the event loop has its own', async () => {
  const { clock, work } = bench();
  let rounds = 0;
  let longest = 0;
  const all = Promise.all(Array.from({ length: 40 }, () => work('mallory', 20)));
  let over = false;
  void all.then(() => {
    over = true;
  });
  for (let before = clock.elapsed; !over; before = clock.elapsed) {
    await setImmediate();
    longest = Math.max(longest, clock.elapsed - before);
    rounds += 1;
  }
  // Two turns, where the first one begins before this looks at the time.
  expect(longest).toBeLessThan(7);
  expect(rounds).toBeGreaterThan(100);
});

it('whoever has much under way gets no more turns than whoever has one piece of work', async () => {
  const { done, work } = bench();
  const crowd = Array.from({ length: 30 }, () => work('mallory', 50));
  await work('alice', 10);
  const share = done.lastIndexOf('alice') + 1;
  expect(share).toBeLessThan(60);
  await Promise.all(crowd);
});

it('counts the time that a piece of work had, and not that of others', async () => {
  const { work } = bench();
  const times = await Promise.all([work('alice', 5), work('bob', 20), work('bob', 7)]);
  expect(times.map(Math.round)).toEqual([5, 20, 7]);
});

it('asks nothing of the event loop when nobody works, and lets the next one begin at once', async () => {
  const { clock, done, work } = bench();
  await work('alice', 2);
  await setImmediate();
  clock.elapsed += 1_000;
  void work('bob', 1);
  await Promise.resolve();
  await Promise.resolve();
  expect(done).toEqual(['alice', 'alice', 'bob']);
});
