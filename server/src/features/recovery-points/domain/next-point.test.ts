import { describe, expect, it } from 'vitest';
import { type CommitCircumstances, type CommitQuestion, followsChain, nextPoint } from './next-point.js';

const none = {
  entries: 0n,
  files: 0n,
  bytesTotal: 0n,
  bytesRead: 0n,
  bytesChanged: 0n,
  bytesSent: 0n,
  bytesStored: 0n,
  warnings: 0n,
};
const question = (overrides: Partial<CommitQuestion> = {}): CommitQuestion => ({
  rootNode: Buffer.alloc(32, 7),
  type: 'FULL',
  statistics: none,
  ...overrides,
});
const at = (overrides: Partial<CommitCircumstances> = {}): CommitCircumstances => ({
  pointId: 'p',
  vaultId: 'v',
  itemId: 'i',
  domainId: 'd',
  agentId: 'a',
  jobId: 'j',
  now: 1_000,
  ...overrides,
});
const end = { sequence: 4, objectSha256: Buffer.alloc(32, 9), committedAt: 5_000 };

describe('the next point of an item', () => {
  it('is the first when there is none, with nothing before it', () => {
    const point = nextPoint(question(), at());
    expect(point).toMatchObject({ sequence: 1, committedAt: 1_000, backupType: 'FULL' });
    expect('previousSha256' in point).toBe(false);
  });

  it('chains to the newest one', () => {
    expect(nextPoint(question(), at({ end, now: 9_000 }))).toMatchObject({
      sequence: 5,
      previousSha256: end.objectSha256,
      committedAt: 9_000,
    });
  });

  it('comes after the newest one even if the clock was set back', () => {
    expect(nextPoint(question(), at({ end, now: 2_000 })).committedAt).toBe(5_001);
  });

  it.each([
    ['a root that is no id', question({ rootNode: Buffer.alloc(31) }), at(), 'BAD_ROOT_NODE'],
    ['a FULL with a base', question({ basePointId: 'b' }), at({ base: { id: 'b' } }), 'FULL_WITH_BASE'],
    ['an INCREMENTAL without a base', question({ type: 'INCREMENTAL' }), at(), 'BASE_MISSING'],
    ['a base that the item does not have', question({ type: 'DIFFERENTIAL', basePointId: 'b' }), at(), 'UNKNOWN_BASE'],
  ])('is refused for %s', (_, asked, circumstances, code) => {
    expect(() => nextPoint(asked, circumstances)).toThrow(expect.objectContaining({ kind: 'Validation', code }));
  });
});

describe('following a chain', () => {
  it.each([
    [{ sequence: 1 }, undefined, true],
    [{ sequence: 2 }, undefined, false],
    [{ sequence: 5, previousSha256: Buffer.alloc(32, 9) }, end, true],
    [{ sequence: 5, previousSha256: Buffer.alloc(32, 8) }, end, false],
    [{ sequence: 4, previousSha256: Buffer.alloc(32, 9) }, end, false],
    [{ sequence: 5 }, end, false],
  ])('%#', (point, newest, expected) => {
    expect(followsChain(point, newest)).toBe(expected);
  });
});
