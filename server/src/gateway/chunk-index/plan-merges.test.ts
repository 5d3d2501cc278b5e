import { describe, expect, it } from 'vitest';
import { planMerge } from './plan-merges.js';

const runs = (...sizes: number[]) => sizes.map((entries, number) => ({ number, entries }));

describe('which runs are merged', () => {
  it.each([
    ['none of none', runs(), undefined],
    ['none of one', runs(10), undefined],
    ['two of one size', runs(10, 10), [0, 1]],
    ['two of one class', runs(19, 80, 10), [2, 0]],
    ['none of different classes', runs(10, 20, 40, 80), undefined],
    ['the smallest pair first', runs(80, 90, 10, 300, 11), [2, 4]],
    ['runs below the unit count as of the unit', runs(1, 19), [0, 1]],
  ] as const)('%s', (_, resting, expected) => {
    expect(planMerge(resting, 10)?.map(({ number }) => number)).toEqual(expected);
  });

  it('leaves a logarithm of runs, and writes each entry a logarithm of times', () => {
    const resting: { number: number; entries: number }[] = [];
    let written = 0;
    for (let number = 0; number < 1_000; number++) {
      resting.push({ number, entries: 1 });
      for (let pair = planMerge(resting, 1); pair; pair = planMerge(resting, 1)) {
        const entries = pair[0].entries + pair[1].entries;
        written += entries;
        for (const each of pair) resting.splice(resting.indexOf(each), 1);
        resting.push({ number, entries });
      }
      expect(resting.length).toBeLessThanOrEqual(10);
    }
    expect(written).toBeLessThanOrEqual(1_000 * 10);
  });
});
