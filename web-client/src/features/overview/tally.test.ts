import { describe, expect, it } from 'vitest';
import type { JobState, ProtectionState } from '../../gql/graphql';
import { countBy, healthOf, nextUp } from './tally';

const item = (state: JobState | undefined, options: { protection?: ProtectionState; point?: boolean } = {}) => ({
  protectionState: options.protection ?? ('PROTECTED' as const),
  lastBackup: state === undefined ? null : { id: 'j', state, createdAt: '', finishedAt: null },
  lastRecoveryPoint: options.point ? { id: 'p', time: '' } : null,
});

describe('the health of an item', () => {
  it('is what its last backup came to', () => {
    const states = ['COMPLETED', 'COMPLETED_WITH_WARNINGS', 'FAILED', 'RUNNING', 'QUEUED'] as const;
    expect(states.map((state) => healthOf(item(state)))).toEqual(['good', 'warnings', 'failed', 'running', 'running']);
  });

  it('does not call an item good that has no recovery point', () => {
    expect([healthOf(item(undefined)), healthOf(item('CANCELLED'))]).toEqual(['never', 'never']);
    expect(healthOf(item('CANCELLED', { point: true }))).toBe('good');
  });

  it('leaves stopped items out of the alarm', () => {
    expect(healthOf(item('FAILED', { protection: 'STOPPED' }))).toBe('stopped');
  });
});

it('counts by key', () => {
  expect(countBy(['a', 'b', 'a'], (each) => each)).toEqual({ a: 2, b: 1 });
});

it('names what is backed up next, soonest first, without what has no time', () => {
  const items = ['2026-02-01T00:00:00Z', null, '2026-01-01T00:00:00Z'].map((nextBackupAt) => ({ nextBackupAt }));
  expect(nextUp(items, 1)).toEqual([{ nextBackupAt: '2026-01-01T00:00:00Z' }]);
  expect(nextUp(items, 5)).toHaveLength(2);
});
