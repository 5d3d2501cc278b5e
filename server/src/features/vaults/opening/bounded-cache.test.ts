import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoundedCache } from './bounded-cache.js';

describe('a bounded cache', () => {
  it('forgets what was not used for longest', () => {
    const cache = new BoundedCache<number>(3);
    for (const [key, value] of [
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ] as const)
      cache.set(key, value, 1);
    cache.get('a');
    cache.set('d', 4, 1);
    expect(['a', 'b', 'c', 'd'].map((key) => cache.get(key))).toEqual([1, undefined, 3, 4]);
  });

  it('does not keep what is heavier than all of it', () => {
    const cache = new BoundedCache<number>(3);
    cache.set('a', 1, 3);
    cache.set('a', 2, 4);
    expect(cache.get('a')).toBeUndefined();
    expect(cache.weight).toBe(0);
  });

  it('never weighs more than allowed, and has what was set last', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.nat(10))), (steps) => {
        const cache = new BoundedCache<number>(10);
        for (const [key, weight] of steps) {
          cache.set(key, weight, weight);
          expect(cache.weight).toBeLessThanOrEqual(10);
          expect(cache.get(key)).toBe(weight);
        }
      }),
    );
  });
});
