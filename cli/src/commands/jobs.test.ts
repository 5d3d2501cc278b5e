import { expect, it } from 'vitest';
import type { LiveJob } from '../api/live-job.js';
import { HEAD, rowOf } from './jobs.js';

const job = (kind: LiveJob['kind'], progress: Partial<LiveJob['progress']>): LiveJob =>
  ({
    kind,
    agent: { name: 'web-1' },
    progress: { bytesRead: '0', bytesStored: '0', bytesWritten: '0', ...progress },
  }) as LiveJob;

const amounts = (row: ReturnType<typeof rowOf>): unknown[] =>
  ['READ', 'STORED', 'WRITTEN'].map((title) => row[HEAD.indexOf(title)]);

it('shows what a backup has read and stored, and what a restore has written', () => {
  expect(amounts(rowOf(job('BACKUP', { bytesRead: '2048', bytesStored: '1024' })))).toEqual([
    '2.0 KiB',
    '1.0 KiB',
    undefined,
  ]);
  expect(amounts(rowOf(job('RESTORE', { bytesWritten: '2048' })))).toEqual([undefined, undefined, '2.0 KiB']);
});
