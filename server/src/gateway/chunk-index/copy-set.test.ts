import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CopySet } from './copy-set.js';

describe('a set of copy numbers', () => {
  it('holds exactly what was added', () => {
    const number = fc.oneof(
      fc.integer({ min: 0, max: 300 }),
      fc.integer({ min: 65_500, max: 65_600 }),
      fc.integer({ min: 2 ** 40, max: 2 ** 40 + 100 }),
    );
    fc.assert(
      fc.property(fc.array(number), fc.array(number), (added, asked) => {
        const set = new CopySet();
        for (const each of added) set.add(each);
        const model = new Set(added);
        for (const each of [...asked, ...added]) expect(set.has(each)).toBe(model.has(each));
      }),
    );
  });

  it('takes ranges across its pages', () => {
    const set = new CopySet();
    set.addRange(65_530, 10);
    expect([65_529, 65_530, 65_535, 65_536, 65_539, 65_540].map((each) => set.has(each))).toEqual([
      false,
      true,
      true,
      true,
      true,
      false,
    ]);
  });

  it('stays small where numbers are dense', () => {
    const set = new CopySet();
    set.addRange(0, 1_000_000);
    expect(set.bytes).toBeLessThan(140_000);
  });
});
