import { describe, expect, it } from 'vitest';
import { losePower } from './power-loss.js';

const seed = process.env.HOLDFAST_TEST_SEED ?? String(Date.now());
const WORLDS = 3;

describe('gateways whose power is cut after every single write', () => {
  it(`have every point that control recorded before (seed ${seed})`, async () => {
    const total = { changes: 0, states: 0, points: 0 };
    for (let world = 0; world < WORLDS; world++) {
      const report = await losePower(`${seed}/${world}`, 100, 2);
      total.changes += report.changes;
      total.states += report.states;
      total.points += report.points;
    }
    process.stderr.write(
      `seed ${seed}: ${total.changes} writes, ${total.states} states, ${total.points} points restored\n`,
    );
    expect(total.points).toBeGreaterThan(0);
  });
});
