import { describe, expect, it } from 'vitest';
import type { JobState } from '../../gql/graphql';
import type { JobView } from './job-fragment';
import { describeProgress, failedAttempt, fractionOf, laterOf } from './job-progress';

const progress = (overrides: Partial<JobView['progress']> = {}): JobView['progress'] => ({
  phase: 'TRANSFERRING',
  entries: '10',
  files: '8',
  bytesTotal: '50',
  bytesRead: '40',
  bytesChanged: '0',
  bytesSent: '0',
  bytesStored: '0',
  bytesWritten: '20',
  entriesSkipped: '0',
  expectedBytes: '100',
  rate: '0',
  etaSeconds: null,
  ...overrides,
});

describe('the progress of a job', () => {
  it('is what a backup has looked at, and what a restore has written', () => {
    expect(fractionOf({ kind: 'BACKUP', progress: progress() })).toBe(0.5);
    expect(fractionOf({ kind: 'RESTORE', progress: progress({ bytesTotal: '0' }) })).toBe(0.2);
  });

  it('is unknown while nobody knows how much there is, and never more than all', () => {
    expect(fractionOf({ kind: 'BACKUP', progress: progress({ expectedBytes: '0' }) })).toBeUndefined();
    expect(fractionOf({ kind: 'RESTORE', progress: progress({ bytesTotal: '300' }) })).toBe(1);
  });

  it('of a backup is an estimate, and never says all', () => {
    const backup = (bytesTotal: string) => ({ kind: 'BACKUP' as const, progress: progress({ bytesTotal }) });
    expect([fractionOf(backup('50')), fractionOf(backup('900'))]).toEqual([0.5, 0.99]);
    expect(describeProgress(backup('50'))).toBe('Transferring · about 50 %');
    expect(describeProgress({ ...backup('50'), kind: 'RESTORE' })).toBe('Transferring · 50 %');
  });

  it('counts a large file while it is read', () => {
    expect(fractionOf({ kind: 'BACKUP', progress: progress({ bytesTotal: '0', bytesRead: '40' }) })).toBe(0.4);
  });

  it('is said in words with what is known', () => {
    expect(describeProgress({ kind: 'BACKUP', progress: progress({ rate: '1048576', etaSeconds: 125 }) })).toBe(
      'Transferring · about 50 % · 1.0 MiB/s · 2 min 5 s left',
    );
    expect(describeProgress({ kind: 'BACKUP', progress: progress({ phase: 'PREPARING', expectedBytes: '0' }) })).toBe(
      'Preparing · 50 B looked at',
    );
  });
});

describe('a job that is tried again', () => {
  it('says why the attempt before came to nothing', () => {
    const of = (message: string) => failedAttempt({ attempt: 2, previousAttemptError: { message } });
    expect(of('The store is full.')).toBe('Attempt 1 failed: The store is full.');
    expect(of('no such folder')).toBe('Attempt 1 failed: no such folder.');
    expect(failedAttempt({ attempt: 1, previousAttemptError: null })).toBeUndefined();
  });
});

describe('two pictures of one job', () => {
  const picture = (state: JobState, attempt = 1, entries = '10') => ({
    state,
    attempt,
    progress: progress({ entries }),
  });
  const both = (a: ReturnType<typeof picture>, b: ReturnType<typeof picture>) => [laterOf(a, b), laterOf(b, a)];

  it('an end stays an end', () => {
    const end = picture('COMPLETED');
    expect(both(end, picture('RUNNING', 1, '99'))).toEqual([end, end]);
  });

  it('a new attempt is later than what the former one reached', () => {
    const again = picture('QUEUED', 2, '0');
    expect(both(again, picture('RUNNING', 1, '99'))).toEqual([again, again]);
  });

  it('within an attempt it goes on', () => {
    const further = picture('RUNNING', 1, '11');
    expect(both(further, picture('RUNNING', 1, '10'))).toEqual([further, further]);
    expect(both(further, picture('QUEUED', 1, '12'))).toEqual([further, further]);
  });
});
