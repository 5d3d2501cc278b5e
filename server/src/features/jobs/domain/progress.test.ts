import { describe, expect, it } from 'vitest';
import type { Job, JobCounters } from './job.js';
import { follow } from './progress.js';
import { waitingFor } from './waiting-for.js';

const zero: JobCounters = {
  entries: 0n,
  files: 0n,
  bytesTotal: 0n,
  bytesRead: 0n,
  bytesChanged: 0n,
  bytesSent: 0n,
  bytesStored: 0n,
  bytesWritten: 0n,
  warnings: 0n,
  entriesSkipped: 0n,
};
const at = (counters: Partial<JobCounters>, expectedBytes = 10_000n) => ({
  phase: 'TRANSFERRING' as const,
  counters: { ...zero, ...counters },
  expectedBytes,
  waitingFor: '',
});

describe('progress', () => {
  it('tells bytes a second of the last interval and the time left', () => {
    const first = follow(undefined, at({ bytesTotal: 0n }), 'BACKUP', 1_000);
    const second = follow(first, at({ bytesTotal: 2_000n, bytesRead: 1_000n }), 'BACKUP', 3_000);
    expect([second.rate, second.etaSeconds]).toEqual([500n, 8]);
    const third = follow(second, at({ bytesTotal: 6_000n, bytesRead: 5_000n }), 'BACKUP', 4_000);
    expect([third.rate, third.etaSeconds]).toEqual([4_000n, 2]);
  });

  it('counts a restore by what it wrote', () => {
    const first = follow(undefined, at({}), 'RESTORE', 0);
    expect(follow(first, at({ bytesWritten: 5_000n }), 'RESTORE', 1_000)).toMatchObject({
      rate: 5_000n,
      etaSeconds: 1,
    });
  });

  it('never expects less than what there was already, and promises no end then', () => {
    const first = follow(undefined, at({ bytesTotal: 20_000n }), 'BACKUP', 0);
    expect(first.expectedBytes).toBe(20_000n);
    const second = follow(first, at({ bytesTotal: 30_000n }), 'BACKUP', 1_000);
    expect(second).toMatchObject({ expectedBytes: 30_000n });
    expect(second.etaSeconds).toBeUndefined();
    expect(follow(second, at({ bytesTotal: 40_000n }), 'BACKUP', 1_050).expectedBytes).toBe(40_000n);
  });

  it('counts a large file while it is read or written', () => {
    const first = follow(undefined, at({}), 'BACKUP', 0);
    expect(follow(first, at({ bytesRead: 5_000n }), 'BACKUP', 1_000).etaSeconds).toBe(1);
    const restore = follow(undefined, at({}), 'RESTORE', 0);
    expect(follow(restore, at({ bytesTotal: 5_000n }), 'RESTORE', 1_000)).toMatchObject({ rate: 0n, etaSeconds: 1 });
  });

  it('promises nothing while the whole is unknown or nothing moves', () => {
    const first = follow(undefined, at({}, 0n), 'BACKUP', 0);
    expect(follow(first, at({ bytesTotal: 100n }, 0n), 'BACKUP', 1_000).etaSeconds).toBeUndefined();
    expect(follow(first, at({}), 'BACKUP', 1_000).etaSeconds).toBeUndefined();
  });

  it('promises nothing that is more than a year away: the API could not even say it', () => {
    const first = follow(undefined, at({}), 'BACKUP', 0);
    const second = follow(first, at({ bytesTotal: 1n }, 2n ** 53n - 1n), 'BACKUP', 1_000);
    expect(second).toMatchObject({ expectedBytes: 2n ** 53n - 1n });
    expect(second.etaSeconds).toBeUndefined();
  });

  it('never goes back: neither when the walk begins anew, nor when a file is written anew, nor when more is expected', () => {
    const unknown = follow(undefined, at({}, 0n), 'BACKUP', 0);
    const half = follow(unknown, at({ bytesTotal: 5_000n }), 'BACKUP', 100);
    const anew = follow(half, at({ bytesTotal: 100n }), 'BACKUP', 1_000);
    const further = follow(anew, at({ bytesTotal: 5_500n }), 'BACKUP', 2_000);
    expect([unknown, half, anew, further].map(({ fraction }) => fraction)).toEqual([undefined, 0.5, 0.5, 0.55]);
    expect(follow(half, at({ bytesTotal: 5_000n }, 50_000n), 'BACKUP', 1_000).fraction).toBe(0.5);
    expect(follow(half, at({ bytesTotal: 5_000n }, 0n), 'BACKUP', 1_000).fraction).toBe(0.5);
    const written = follow(undefined, at({ bytesWritten: 8_000n }), 'RESTORE', 0);
    expect(follow(written, at({ bytesWritten: 2_000n }), 'RESTORE', 1_000).fraction).toBe(0.8);
  });

  it('of a backup is an estimate that never says all; a large file counts while it is read', () => {
    expect(follow(undefined, at({ bytesTotal: 90_000n }), 'BACKUP', 0).fraction).toBe(0.99);
    expect(follow(undefined, at({ bytesRead: 4_000n }), 'BACKUP', 0).fraction).toBe(0.4);
    expect(follow(undefined, at({ bytesTotal: 90_000n }), 'RESTORE', 0).fraction).toBe(1);
  });

  it('never shows a negative rate when a new attempt starts over', () => {
    const first = follow(undefined, at({ bytesRead: 5_000n, bytesTotal: 5_000n }), 'BACKUP', 0);
    expect(follow(first, at({}), 'BACKUP', 1_000).rate).toBe(0n);
  });
});

describe('what a queued job waits for', () => {
  const job = { state: 'QUEUED', notBefore: 0, attempt: 2 } as Job;
  const free = { now: 100, agentConnected: true, activeJobsOfAgent: 0 };
  it.each([
    [job, { ...free, agentConnected: false }, 'The agent is not connected.'],
    [job, { ...free, activeJobOfItem: { kind: 'BACKUP' as const } }, 'Another backup of the same item is under way.'],
    [job, { ...free, activeJobsOfAgent: 4 }, 'The agent is busy with 4 jobs.'],
    [{ ...job, notBefore: 2_100 }, free, 'Attempt 2 starts in 2 s.'],
    [job, free, 'It is about to start.'],
    [{ ...job, state: 'RUNNING' as const }, free, undefined],
  ])('case %#', (each, around, words) => {
    expect(waitingFor(each, around)).toBe(words);
  });
});
