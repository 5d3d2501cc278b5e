import { describe, expect, it } from 'vitest';
import { simulate } from './simulate.js';

const SEEDS = 50;

describe('a simulated fleet whose processes die at named moments', () => {
  it(`loses no committed point, sends nothing twice, leaves nothing unknown, and knows what its store has lost, over ${SEEDS} seeds`, async () => {
    const total = { kills: 0, resumes: 0, lost: 0, cameBack: 0, changed: 0 };
    for (let seed = 0; seed < SEEDS; seed++) {
      const report = await simulate(`test/${seed}`);
      for (const what of Object.keys(total) as (keyof typeof total)[]) total[what] += report[what];
    }
    expect(total.kills).toBeGreaterThan(SEEDS);
    // What a world meets by chance alone was met.
    for (const count of Object.values(total)) expect(count).toBeGreaterThan(0);
  }, 240_000);

  it('does again what a seed did before', async () => {
    for (const seed of ['again/1', 'again/2', 'again/3']) {
      const { trace } = await simulate(seed);
      expect((await simulate(seed)).trace).toEqual(trace);
    }
  }, 240_000);
});
