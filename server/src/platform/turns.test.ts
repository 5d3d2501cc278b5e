import { ManualClock } from '@holdfast/core/clock';
import { beforeEach, describe, expect, it } from 'vitest';
import { type EndTurn, Turns } from './turns.js';

describe('turns', () => {
  let clock: ManualClock;
  let busyMs: number;
  let turns: Turns;
  beforeEach(() => {
    clock = new ManualClock();
    busyMs = 0;
    turns = new Turns(
      { atOnce: 2, patientAtOnce: 1, waiting: 2, patienceMs: 10_000, time: { burst: 1_000, perSecond: 100 } },
      { clock, timers: clock, busy: () => busyMs },
    );
  });
  const refused = { kind: 'RateLimited', code: 'TOO_FAST' };

  it('are so many of one key at a time, then in order of coming, then refused', async () => {
    const ends = [await turns.enter('a'), await turns.enter('a')];
    const begun: string[] = [];
    const noted = async (name: string, turn: Promise<EndTurn>): Promise<EndTurn> => {
      const end = await turn;
      begun.push(name);
      return end;
    };
    const third = noted('third', turns.enter('a'));
    const fourth = noted('fourth', turns.enter('a'));
    await expect(turns.enter('a')).rejects.toMatchObject(refused);
    (await turns.enter('another'))();
    expect(begun).toEqual([]);
    ends[0]?.();
    ends[0]?.();
    ends.push(await third);
    expect(begun).toEqual(['third']);
    ends[1]?.();
    ends.push(await fourth);
    for (const end of ends) end();
    (await turns.enter('a'))();
    expect(clock.waiting).toBe(0);
  });

  it('are refused to those that waited too long, and never to the patient', async () => {
    const ends = [await turns.enter('a'), await turns.enter('a')];
    const soon = expect(turns.enter('a')).rejects.toMatchObject(refused);
    const patient = [1, 2, 3, 4].map(() => turns.enter('a', { patient: true }));
    await clock.advance(10_000);
    await soon;
    for (const end of ends) end();
    for (const turn of patient) (await turn)();
  });

  it('leave room beside the patient', async () => {
    const first = await turns.enter('a', { patient: true });
    let begun = false;
    const second = turns.enter('a', { patient: true }).then((end) => {
      begun = true;
      return end;
    });
    const mine = await turns.enter('a');
    expect(begun).toBe(false);
    first();
    (await second)();
    mine();
  });

  it('wait once the time of their key is used up, which those under way share', async () => {
    const alone = await turns.enter('a');
    busyMs += 600;
    const [mine, other] = [await turns.enter('a'), await turns.enter('b')];
    busyMs += 900;
    // 600 ms and a third of 900.
    alone();
    mine();
    other();
    (await turns.enter('b'))();
    const little = await turns.enter('b');
    busyMs += 5_000;
    little(10);
    // Nobody was under way.
    busyMs += 5_000;
    (await turns.enter('b'))();

    let begun = false;
    const over = turns.enter('a').then((end) => {
      begun = true;
      end();
    });
    // The 1,000 ms and 200 on credit: 2,010 ms until there is one again.
    await clock.advance(2_000);
    expect(begun).toBe(false);
    await clock.advance(20);
    await over;
  });

  it('are refused at once when the time comes back too late, and say when', async () => {
    const end = await turns.enter('a');
    busyMs += 3_000;
    end();
    await expect(turns.enter('a')).rejects.toMatchObject({ ...refused, details: { retryAfterSeconds: '21' } });
    (await turns.enter('b'))();
    await clock.advance(21_000);
    (await turns.enter('a'))();
  });
});
