import { describe, expect, it } from 'vitest';
import { type FoundPointFacts, judgeFoundPoint } from './judge-found-point.js';
import type { PointStatement } from './recovery-point.js';

const hash = (byte: number) => Buffer.alloc(32, byte);
const point = (overrides: Partial<PointStatement> = {}): PointStatement => ({
  id: 'p',
  vaultId: 'v',
  itemId: 'i',
  sequence: 2,
  previousSha256: hash(1),
  backupType: 'FULL',
  committedAt: 1,
  rootNode: hash(9),
  domainId: 'd',
  consistency: 'CRASH',
  agentId: 'a',
  jobId: 'j',
  statistics: {
    entries: 0n,
    files: 0n,
    bytesTotal: 0n,
    bytesRead: 0n,
    bytesChanged: 0n,
    bytesSent: 0n,
    bytesStored: 0n,
    warnings: 0n,
  },
  ...overrides,
});
const facts = (overrides: Partial<FoundPointFacts> = {}): FoundPointFacts => ({
  point: point(),
  vaultId: 'v',
  knownInCatalog: false,
  complete: true,
  itemExists: true,
  before: { objectSha256: hash(1) },
  ...overrides,
});

describe('a point object found in a store', () => {
  it.each([
    ['is known when the catalog has it', facts({ knownInCatalog: true }), { kind: 'known' }],
    [
      'is known even while something that it reaches is missing',
      facts({ knownInCatalog: true, complete: false }),
      { kind: 'known' },
    ],
    ['is adopted when whole and next in the chain', facts(), { kind: 'adopt' }],
    [
      'is adopted as the first',
      facts({ point: point({ sequence: 1, previousSha256: undefined }), before: undefined }),
      { kind: 'adopt' },
    ],
    ['is adopted when the one before is not there to compare', facts({ before: undefined }), { kind: 'adopt' }],
    [
      'is set aside when somebody else signed it',
      facts({ point: undefined }),
      { kind: 'quarantine', reason: 'NOT_OURS' },
    ],
    [
      'is set aside when it belongs to another vault',
      facts({ vaultId: 'w' }),
      { kind: 'quarantine', reason: 'OTHER_VAULT' },
    ],
    [
      'is set aside when its item is unknown',
      facts({ itemExists: false }),
      { kind: 'quarantine', reason: 'UNKNOWN_ITEM' },
    ],
    [
      'is set aside when something that it reaches is missing',
      facts({ complete: false }),
      { kind: 'quarantine', reason: 'INCOMPLETE' },
    ],
    [
      'is set aside when another has its place',
      facts({ atSequence: { id: 'q' } }),
      { kind: 'quarantine', reason: 'FORKED' },
    ],
    [
      'is set aside when it follows another than the catalog has',
      facts({ before: { objectSha256: hash(2) } }),
      { kind: 'quarantine', reason: 'FORKED' },
    ],
    [
      'is set aside when it follows nothing but is not the first',
      facts({ point: point({ previousSha256: undefined }) }),
      { kind: 'quarantine', reason: 'FORKED' },
    ],
  ])('%s', (_, found, judgement) => {
    expect(judgeFoundPoint(found)).toEqual(judgement);
  });
});
