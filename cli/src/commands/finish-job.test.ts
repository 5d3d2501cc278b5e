import { describe, expect, it } from 'vitest';
import type { LiveJob } from '../api/live-job.js';
import { describeSuccess } from './finish-job.js';

const restore = (progress: Partial<LiveJob['progress']>, overrides: Partial<LiveJob> = {}): LiveJob =>
  ({
    kind: 'RESTORE',
    state: 'COMPLETED',
    noticesTotal: 0,
    progress: { entries: '45', entriesSkipped: '0', bytesWritten: '2048', ...progress },
    ...overrides,
  }) as LiveJob;

describe('the end of a backup in words', () => {
  const amounts = { bytesRead: '4096', bytesChanged: '2048', bytesSent: '1024', bytesStored: '1024' };
  const backup = (attempt: number) =>
    describeSuccess(
      restore(amounts, { kind: 'BACKUP', backupType: 'FULL', attempt, recoveryPoint: { id: 'p' } }),
    ).split('\n');

  it('says of amounts that they are of the last attempt, where there were more', () => {
    const [amount, point] = backup(1);
    expect(amount).toBe(
      'FULL backup completed: 45 entries, read 4.0 KiB, changed 2.0 KiB, sent 1.0 KiB, stored 1.0 KiB.',
    );
    const said = 'These are amounts of the last attempt: what those before it stored is not among them.';
    expect(backup(2)).toEqual([amount, said, point]);
  });
});

describe('the end of a restore in words', () => {
  it('is what was restored', () => {
    expect(describeSuccess(restore({}))).toBe('Restored 45 entries, 2.0 KiB.');
    expect(describeSuccess(restore({ entries: '1' }))).toBe('Restored 1 entry, 2.0 KiB.');
    expect(describeSuccess(restore({}, { state: 'COMPLETED_WITH_WARNINGS', noticesTotal: 2 }))).toBe(
      'Restored 45 entries, 2.0 KiB with 2 warnings.',
    );
  });

  it('tells what was left as it is from what was restored', () => {
    expect(describeSuccess(restore({ entriesSkipped: '42' }))).toBe(
      'Restored 3 entries, 2.0 KiB.\n42 entries were there already and were left as they are.',
    );
    expect(describeSuccess(restore({ entriesSkipped: '1' }))).toBe(
      'Restored 44 entries, 2.0 KiB.\n1 entry was there already and was left as it is.',
    );
  });
});
