import { seededRandom } from '@holdfast/core/ids';
import { describe, expect, it } from 'vitest';
import { ClaimSet } from './claim-set.js';

describe('a set of claims', () => {
  it('knows each claim once, also those that share a hash, and gives them back in order', () => {
    const random = seededRandom('claims');
    // Equal first bytes: all of these fall on one slot.
    const claims = Array.from({ length: 9_000 }, (_, index) =>
      index % 30 === 0 ? Buffer.concat([Buffer.alloc(4), random.bytes(28)]) : random.bytes(32),
    );
    const set = new ClaimSet();
    for (const claim of claims) expect(set.add(claim)).toBe(true);
    for (const claim of claims) expect(set.add(Buffer.from(claim))).toBe(false);
    expect(set.size).toBe(9_000);
    expect(set.has(random.bytes(32))).toBe(false);
    expect(set.slice(0, 9_000).equals(Buffer.concat(claims))).toBe(true);
    expect(set.slice(8_999, 10).equals(claims[8_999] as Buffer)).toBe(true);
    expect(set.slice(9_000, 10).length).toBe(0);
  });
});
