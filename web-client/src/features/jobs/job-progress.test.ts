import { describe, expect, it } from 'vitest';
import type { JobState } from '../../gql/graphql';
import type { JobView } from './job-fragment';
import { describeProgress, failedAttempt, laterOf } from './job-progress';

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
  fraction: null,
  rate: '0',
  etaSeconds: null,
  ...overrides,
});

describe('the progress of a job', () => {
  it('is said in words with what is known; of a backup it is an estimate', () => {
    const moving = progress({ fraction: 0.5, rate: '1048576', etaSeconds: 125 });
    expect(describeProgress({ kind: 'BACKUP', progress: moving })).toBe(
      'Transferring · about 50 % · 1.0 MiB/s · 2 min 5 s left',
    );
    expect(describeProgress({ kind: 'RESTORE', progress: progress({ fraction: 0.5 }) })).toBe('Transferring · 50 %');
  });

  it('is what a backup has looked at and a restore has written while nobody knows how much there is', () => {
    expect(describeProgress({ kind: 'BACKUP', progress: progress({ phase: 'PREPARING' }) })).toBe(
      'Preparing · 50 B looked at',
    );
    expect(describeProgress({ kind: 'BACKUP', progress: progress({ bytesRead: '70' }) })).toBe(
      'Transferring · 70 B looked at',
    );
    expect(describeProgress({ kind: 'RESTORE', progress: progress({ bytesTotal: '0' }) })).toBe(
      'Transferring · 20 B written',
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
    const shown = { ...further, progress: progress({ fraction: 0.5 }) };
    expect(both(shown, { ...picture('RUNNING', 1, '12'), progress: progress({ fraction: 0.4 }) })).toEqual([
      shown,
      shown,
    ]);
  });
});
