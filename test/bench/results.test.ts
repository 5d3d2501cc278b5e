import { describe, expect, it } from 'vitest';
import { groupsFor, neededSteps } from './cases.js';
import { compare, median, summarize } from './results.js';

const round = (seconds: number, cpu: number, rss: number, stored?: number) => ({
  seconds,
  cpu: { agent: cpu, gateway: cpu },
  rss: { agent: rss },
  ...(stored === undefined ? {} : { stored }),
});

describe('the results of the benchmark', () => {
  it('are medians, each figure for itself', () => {
    const { seconds, cpuSeconds, cpu, stored } = summarize([
      round(3, 1, 7, 10),
      round(1, 9, 7, 30),
      round(2, 5, 7, 20),
    ]);
    expect({ seconds, cpuSeconds, cpu, stored }).toEqual({
      seconds: 2,
      cpuSeconds: 10,
      cpu: { agent: 5, gateway: 5 },
      stored: 20,
    });
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });

  it('are above 1 in speed, and below 1 in everything else, where Holdfast does better', () => {
    const ours = summarize([round(2, 1, 50, 100)]);
    const peer = summarize([round(6, 2, 100, 200)]);
    expect(compare(ours, peer)).toEqual({ speed: 3, cpu: 0.5, rss: 0.5, stored: 0.5 });
  });

  it('have no ratio of what a restore does not store', () => {
    expect(compare(summarize([round(2, 1, 50)]), summarize([round(2, 1, 50)])).stored).toBeNull();
  });
});

describe('the steps of a group', () => {
  const stepsFor = (...wanted: string[]) =>
    groupsFor(true).flatMap((group) => neededSteps(group, new Set(wanted)).map((step) => step.case));

  it('hold the backups that a wanted case builds upon', () => {
    expect(stepsFor('restore-unchanged')).toEqual(['sdk-tree', 'unchanged', 'restore-unchanged']);
    expect(stepsFor('full-reread')).toEqual(['big-random', 'full-reread']);
    expect(stepsFor('restore-one-percent')).toEqual(['one-percent', 'restore-one-percent']);
  });

  it('are none where nothing is wanted', () => {
    expect(stepsFor()).toEqual([]);
  });
});
