import { describe, expect, it } from 'vitest';
import type { Job, JobCounters, JobState } from './job.js';
import type { Decision } from './job-machine.js';
import {
  accept,
  claim,
  failToStart,
  finish,
  LEASE_MS,
  loseHolder,
  requestCancel,
  revokeHolder,
} from './job-machine.js';
import type { JobOutcome, JobResult } from './job-result.js';

const NOW = 1_000_000;
const POINT = '01901234-5678-7abc-8def-0123456789ab';
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

function job(overrides: Partial<Job> = {}): Job {
  return {
    id: 'j',
    kind: 'BACKUP',
    state: 'QUEUED',
    subscriptionId: 's',
    vaultId: 'v',
    protectedItemId: 'i',
    agentId: 'a',
    requestedBy: 'user:u',
    payload: {},
    attempt: 1,
    epoch: 0,
    notBefore: 0,
    createdAt: 0,
    noticesTotal: 0,
    ...overrides,
  };
}
const held = (state: 'DISPATCHED' | 'RUNNING', overrides: Partial<Job> = {}): Job =>
  job({ state, epoch: 3, leaseUntil: NOW + 10, ...overrides });
const over = (state: JobState): Job => job({ state, epoch: 3, finishedAt: 5 });
const result = (outcome: JobOutcome, extra: Partial<JobResult> = {}): JobResult => ({
  outcome,
  counters: zero,
  notices: [],
  noticesTotal: 0,
  ...extra,
});
const backup = { kind: 'backup', pointId: POINT, type: 'FULL' } as const;
const restore = (damaged = 0, notRestorable = 0) => ({ kind: 'restore', damaged, notRestorable }) as const;
const failure = (code: string) => ({ kind: 'failure', code, message: 'Words.' }) as const;
const stateOf = (decision: Decision): string => (decision.kind === 'changed' ? decision.job.state : decision.kind);
const jobOf = (decision: Decision): Job => {
  if (decision.kind !== 'changed') throw new Error(decision.kind);
  return decision.job;
};

describe('a claim', () => {
  it.each([
    ['QUEUED', 'DISPATCHED'],
    ['DISPATCHED', 'unchanged'],
    ['RUNNING', 'unchanged'],
    ['COMPLETED', 'unchanged'],
    ['FAILED', 'unchanged'],
    ['CANCELLED', 'unchanged'],
  ] as const)('of a job that is %s makes it %s', (state, then) => {
    expect(stateOf(claim(job({ state }), NOW))).toBe(then);
  });

  it('gives the next epoch and a lease', () => {
    expect(jobOf(claim(job({ epoch: 4 }), NOW))).toMatchObject({ epoch: 5, leaseUntil: NOW + LEASE_MS, attempt: 1 });
  });

  it('waits until the job may be tried again', () => {
    expect(stateOf(claim(job({ notBefore: NOW + 1 }), NOW))).toBe('unchanged');
  });
});

describe('accepting', () => {
  it.each([
    [held('DISPATCHED'), 'a', 3, 'RUNNING'],
    [held('RUNNING'), 'a', 3, 'unchanged'],
    [held('DISPATCHED'), 'a', 2, 'fenced'],
    [held('DISPATCHED'), 'other', 3, 'fenced'],
    [job({ state: 'QUEUED', epoch: 3 }), 'a', 3, 'fenced'],
    [over('CANCELLED'), 'a', 3, 'fenced'],
  ] as const)('case %#', (before, agent, epoch, then) => {
    expect(stateOf(accept(before, agent, epoch, NOW))).toBe(then);
  });

  it('does not prolong the lease of a job that is being cancelled', () => {
    expect(jobOf(accept(held('DISPATCHED', { cancelRequestedAt: 1 }), 'a', 3, NOW)).leaseUntil).toBe(NOW + 10);
  });

  it('keeps the moment of the first start', () => {
    expect(jobOf(accept(held('DISPATCHED', { startedAt: 7, attempt: 2 }), 'a', 3, NOW)).startedAt).toBe(7);
  });
});

describe('a report of the end', () => {
  it.each<[string, Job, JobResult, string]>([
    ['a clean backup', held('RUNNING'), result(backup), 'COMPLETED'],
    ['a backup whose acceptance was lost', held('DISPATCHED'), result(backup), 'COMPLETED'],
    ['a backup with notices', held('RUNNING'), result(backup, { noticesTotal: 1 }), 'COMPLETED_WITH_WARNINGS'],
    [
      'a backup with warnings',
      held('RUNNING'),
      result(backup, { counters: { ...zero, warnings: 2n } }),
      'COMPLETED_WITH_WARNINGS',
    ],
    [
      'a backup that was finished before the cancel came',
      held('RUNNING', { cancelRequestedAt: 1 }),
      result(backup),
      'COMPLETED',
    ],
    ['a clean restore', held('RUNNING', { kind: 'RESTORE' }), result(restore()), 'COMPLETED'],
    [
      'a restore that left what was there already, as asked',
      held('RUNNING', { kind: 'RESTORE' }),
      result(restore(), { counters: { ...zero, entriesSkipped: 3n } }),
      'COMPLETED',
    ],
    [
      'a restore that could not go into a folder',
      held('RUNNING', { kind: 'RESTORE' }),
      result(restore(), { counters: { ...zero, warnings: 1n }, noticesTotal: 1 }),
      'COMPLETED_WITH_WARNINGS',
    ],
    [
      'a restore that could not set an owner',
      held('RUNNING', { kind: 'RESTORE' }),
      result(restore(0, 1)),
      'COMPLETED_WITH_WARNINGS',
    ],
    ['a restore with damaged files', held('RUNNING', { kind: 'RESTORE' }), result(restore(1)), 'FAILED'],
    ['a lasting failure', held('RUNNING'), result(failure('FORBIDDEN')), 'FAILED'],
    ['an unknown failure', held('RUNNING'), result(failure('WHATEVER')), 'FAILED'],
    ['a passing failure of a backup', held('RUNNING'), result(failure('UNAVAILABLE')), 'QUEUED'],
    [
      'a passing failure of the last attempt',
      held('RUNNING', { attempt: 3 }),
      result(failure('UNAVAILABLE')),
      'FAILED',
    ],
    ['a passing failure of a restore', held('RUNNING', { kind: 'RESTORE' }), result(failure('UNAVAILABLE')), 'FAILED'],
    [
      'a failure after a cancel',
      held('RUNNING', { cancelRequestedAt: 1 }),
      result(failure('UNAVAILABLE')),
      'CANCELLED',
    ],
    ['the end of a cancel', held('RUNNING', { cancelRequestedAt: 1 }), result({ kind: 'cancelled' }), 'CANCELLED'],
    ['a stop that nobody asked for', held('RUNNING'), result({ kind: 'cancelled' }), 'QUEUED'],
    ['a report that comes again', over('COMPLETED'), result(backup), 'unchanged'],
    ['a report from a lost lease', job({ state: 'QUEUED', epoch: 3 }), result(backup), 'fenced'],
    ['a report under an old epoch', held('RUNNING', { epoch: 4 }), result(backup), 'fenced'],
    ['a report under an old epoch of a finished job', { ...over('COMPLETED'), epoch: 4 }, result(backup), 'fenced'],
  ])('%s', (_, before, report, then) => {
    expect(stateOf(finish(before, 'a', 3, report, NOW))).toBe(then);
  });

  it('of another agent is fenced', () => {
    expect(stateOf(finish(held('RUNNING'), 'b', 3, result(backup), NOW))).toBe('fenced');
  });

  it('leaves the point, the type that ran and why it did', () => {
    const done = jobOf(finish(held('RUNNING'), 'a', 3, result({ ...backup, typeReason: 'There was no base.' }), NOW));
    expect(done).toMatchObject({
      recoveryPointId: POINT,
      backupType: 'FULL',
      backupTypeReason: 'There was no base.',
      finishedAt: NOW,
    });
    expect(done.leaseUntil).toBeUndefined();
  });

  it('of an attempt that failed in passing is kept for the next one to tell', () => {
    const again = jobOf(finish(held('RUNNING'), 'a', 3, result(failure('UNAVAILABLE')), NOW));
    expect(again).toMatchObject({ attempt: 2, previousAttemptError: { code: 'UNAVAILABLE', message: 'Words.' } });
    expect(again.error).toBeUndefined();
    const running: Job = { ...again, state: 'RUNNING' };
    expect(jobOf(loseHolder(running, undefined, NOW)).previousAttemptError?.code).toBe('TIMEOUT');
  });

  it('of damaged files says how many', () => {
    expect(jobOf(finish(held('RUNNING', { kind: 'RESTORE' }), 'a', 3, result(restore(2)), NOW)).error).toEqual({
      code: 'DATA_CORRUPTED',
      message: '2 file(s) are damaged in the vault and were not restored; everything else was.',
    });
  });
});

describe('a lease that ends', () => {
  it.each<[string, Job, string, number]>([
    ['goes back to the queue', held('RUNNING'), 'QUEUED', 2],
    ['goes back also when it was never accepted', held('DISPATCHED'), 'QUEUED', 2],
    ['fails after the third attempt', held('RUNNING', { attempt: 3 }), 'FAILED', 3],
    ['settles a cancel that the agent never answered', held('RUNNING', { cancelRequestedAt: 1 }), 'CANCELLED', 1],
  ])('%s', (_, before, then, attempt) => {
    expect(jobOf(loseHolder(before, undefined, NOW))).toMatchObject({ state: then, attempt, epoch: 3 });
  });

  it('completes the job when its point is recorded', () => {
    const done = jobOf(
      loseHolder(
        held('RUNNING', { attempt: 3, cancelRequestedAt: 1 }),
        { recoveryPointId: POINT, backupType: 'INCREMENTAL' },
        NOW,
      ),
    );
    expect(done).toMatchObject({ state: 'COMPLETED', recoveryPointId: POINT, backupType: 'INCREMENTAL' });
  });

  it('says why the job failed', () => {
    expect(jobOf(loseHolder(held('RUNNING', { attempt: 3 }), undefined, NOW)).error).toEqual({
      code: 'TIMEOUT',
      message: 'The agent stopped answering while it held the job. This was attempt 3 of 3.',
    });
  });

  it('waits longer before each further attempt', () => {
    expect(
      [1, 2].map((attempt) => jobOf(loseHolder(held('RUNNING', { attempt }), undefined, NOW)).notBefore - NOW),
    ).toEqual([5_000, 10_000]);
  });

  it('does nothing to a job that nobody holds', () => {
    for (const each of [job(), over('COMPLETED'), over('CANCELLED')])
      expect(stateOf(loseHolder(each, undefined, NOW))).toBe('unchanged');
  });
});

describe('a job for which no command can be made', () => {
  it.each([
    [held('DISPATCHED'), 3, 'NOT_FOUND', 'FAILED'],
    [held('DISPATCHED'), 3, 'UNAVAILABLE', 'QUEUED'],
    [held('DISPATCHED', { attempt: 3 }), 3, 'UNAVAILABLE', 'FAILED'],
    [held('DISPATCHED', { cancelRequestedAt: 1 }), 3, 'UNAVAILABLE', 'CANCELLED'],
    [held('DISPATCHED'), 2, 'NOT_FOUND', 'fenced'],
    [held('RUNNING'), 3, 'NOT_FOUND', 'fenced'],
  ] as const)('case %#', (before, epoch, code, then) => {
    expect(stateOf(failToStart(before, epoch, { code, message: 'Words.' }, NOW))).toBe(then);
  });
});

describe('a cancel', () => {
  it('ends a queued job at once and asks the agent for any other', () => {
    expect(jobOf(requestCancel(job(), NOW))).toMatchObject({ state: 'CANCELLED', finishedAt: NOW });
    expect(jobOf(requestCancel(held('RUNNING'), NOW))).toMatchObject({
      state: 'RUNNING',
      cancelRequestedAt: NOW,
      leaseUntil: NOW + 10,
    });
    expect(stateOf(requestCancel(held('RUNNING', { cancelRequestedAt: 1 }), NOW))).toBe('unchanged');
    expect(stateOf(requestCancel(over('FAILED'), NOW))).toBe('unchanged');
  });
});

describe('a revoked agent', () => {
  it('fails every job that was not over', () => {
    for (const each of [job(), held('DISPATCHED'), held('RUNNING')]) {
      expect(jobOf(revokeHolder(each, NOW))).toMatchObject({
        state: 'FAILED',
        error: { code: 'FORBIDDEN', message: 'The agent was revoked.' },
      });
    }
    expect(stateOf(revokeHolder(over('COMPLETED'), NOW))).toBe('unchanged');
  });
});
