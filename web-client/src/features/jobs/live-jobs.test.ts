import { expect, it } from 'vitest';
import type { JobState } from '../../gql/graphql';
import type { JobView } from './job-fragment';
import { LiveJobs } from './live-jobs';

const job = (id: string, state: JobState): JobView =>
  ({
    id,
    state,
    attempt: 1,
    createdAt: '',
    progress: { entries: '0', bytesTotal: '0', bytesRead: '0', bytesSent: '0', bytesWritten: '0' },
  }) as unknown as JobView;

it('beginnings and ends are news, progress is not', () => {
  const jobs = new LiveJobs();
  expect(
    [job('a', 'QUEUED'), job('a', 'RUNNING'), job('a', 'COMPLETED'), job('a', 'COMPLETED')].map((each) =>
      jobs.take(each),
    ),
  ).toEqual([true, false, true, false]);
});

it('an update that comes late does not bring an ended job back', () => {
  const jobs = new LiveJobs();
  jobs.take(job('a', 'FAILED'));
  jobs.take(job('a', 'RUNNING'));
  expect(jobs.current().get('a')?.state).toBe('FAILED');
});

it('memory stays bounded', () => {
  const jobs = new LiveJobs();
  for (let index = 0; index < 600; index += 1) jobs.take(job(`job-${index}`, 'COMPLETED'));
  expect(jobs.current().size).toBe(500);
  expect(jobs.current().has('job-599')).toBe(true);
});
