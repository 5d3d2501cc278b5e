import { describe, expect, it } from 'vitest';
import { simulate } from './simulate.js';

const SEEDS = 50;

describe('a simulated fleet whose processes die at named moments', () => {
  it(`loses no committed point, sends nothing twice, and leaves nothing unknown, over ${SEEDS} seeds`, async () => {
    let kills = 0;
    for (let seed = 0; seed < SEEDS; seed++) kills += (await simulate(`test/${seed}`)).kills;
    expect(kills).toBeGreaterThan(SEEDS);
  }, 240_000);

  it('does again what a seed did before', async () => {
    for (const seed of ['again/1', 'again/2', 'again/3']) {
      const { trace } = await simulate(seed);
      expect((await simulate(seed)).trace).toEqual(trace);
    }
  }, 240_000);
});
