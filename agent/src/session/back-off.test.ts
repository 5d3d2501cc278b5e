import { seededRandom } from '@holdfast/core/ids';
import { describe, expect, it } from 'vitest';
import { BackOff } from './back-off.js';

describe('the wait between tries', () => {
  it('is anywhere between nothing and a ceiling that doubles up to its limit', () => {
    const random = seededRandom('waits');
    const longest = [0, 0, 0, 0];
    const shortest = [Infinity, Infinity, Infinity, Infinity];
    for (let run = 0; run < 400; run++) {
      const backOff = new BackOff(random, 1_000, 5_000);
      for (let attempt = 0; attempt < 4; attempt++) {
        const wait = backOff.next();
        longest[attempt] = Math.max(longest[attempt] as number, wait);
        shortest[attempt] = Math.min(shortest[attempt] as number, wait);
      }
    }
    const ceilings = [1_000, 2_000, 4_000, 5_000];
    ceilings.forEach((ceiling, attempt) => {
      expect(longest[attempt]).toBeLessThanOrEqual(ceiling);
      expect(longest[attempt]).toBeGreaterThan(ceiling * 0.95);
      expect(shortest[attempt]).toBeLessThan(ceiling * 0.05);
    });
  });

  it('starts over once something worked', () => {
    const backOff = new BackOff({ bytes: (length) => Buffer.alloc(length, 0xff) }, 1_000, 60_000);
    expect([backOff.next(), backOff.next(), backOff.next()]).toEqual([1_000, 2_000, 4_000]);
    backOff.reset();
    expect(backOff.next()).toBe(1_000);
  });
});
