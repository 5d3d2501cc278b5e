import { describe, expect, it } from 'vitest';
import { judgeName, vaultStoreUrl } from './new-vault.js';

describe('the name of a new vault', () => {
  it.each([
    [undefined, 'free'],
    [{ state: 'READY', createdAt: 0 }, 'taken'],
    [{ state: 'CREATING', createdAt: 999_000 }, 'in-the-making'],
    [{ state: 'CREATING', createdAt: 1_000_000 - 120_000 }, 'abandoned'],
  ] as const)('held by %j is %s', (holder, verdict) => {
    expect(judgeName(holder, 1_000_000)).toBe(verdict);
  });
});

describe('the place of a vault', () => {
  it('is a folder of its own below the zone’s store', () => {
    expect(vaultStoreUrl('local:/srv/zone', 'id')).toBe('local:/srv/zone/id');
    expect(vaultStoreUrl('local:/srv/zone/', 'id')).toBe('local:/srv/zone/id');
  });
});
