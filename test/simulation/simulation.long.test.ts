import { describe, expect, it } from 'vitest';
import { simulate } from './simulate.js';

const SEEDS = 10_000;
const given = process.env.HOLDFAST_TEST_SEED ?? String(Date.now());
const minutes = Number(process.env.HOLDFAST_TEST_MINUTES ?? Number.POSITIVE_INFINITY);
/** One seed of a run, as a failure prints it, is played again alone. */
const seeds = given.includes('/') ? [given] : Array.from({ length: SEEDS }, (_, number) => `${given}/${number}`);

/** Of the machine's time: ten thousand take half an hour on a core that does nothing else. */
const LONGEST_MS = 6 * 3_600_000;
const SEEDS_BETWEEN_WORDS = 500;

describe('simulated fleets whose processes die at named moments', () => {
  it(`lose no committed point, send nothing twice, leave nothing unknown, and know what their stores have lost (seed ${given})`, {
    timeout: LONGEST_MS,
  }, async () => {
    const total = {
      seeds: 0,
      kills: 0,
      powerCuts: 0,
      points: 0,
      pauses: 0,
      resumes: 0,
      lost: 0,
      cameBack: 0,
      changed: 0,
    };
    const began = performance.now();
    const say = (): void => {
      const seconds = Math.round((performance.now() - began) / 1000);
      process.stderr.write(`seed ${given}: ${JSON.stringify(total)} in ${seconds} s\n`);
    };
    for (const seed of seeds) {
      if (performance.now() - began > minutes * 60_000) break;
      const report = { seeds: 1, ...(await simulate(seed)) };
      for (const what of Object.keys(total) as (keyof typeof total)[]) total[what] += report[what];
      if (total.seeds % SEEDS_BETWEEN_WORDS === 0) say();
    }
    say();
    expect(total.points).toBeGreaterThan(0);
  });
});
