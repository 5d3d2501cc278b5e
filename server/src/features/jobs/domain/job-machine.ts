import { ERROR_TABLE, kindOfCode } from '@holdfast/core/errors';
import type { BackupType, Job, JobCounters, JobFailure } from './job.js';
import { isActive, isFinal } from './job.js';
import type { JobResult } from './job-result.js';

/*
 * QUEUED → DISPATCHED → RUNNING → COMPLETED | COMPLETED_WITH_WARNINGS | FAILED | CANCELLED
 *
 * A claim takes a job under a lease and gives it the next epoch. Only the holder of the current epoch of a
 * DISPATCHED or RUNNING job may change anything. When a lease ends the job goes back to QUEUED; its old epoch
 * is worth nothing from then on, though the number only grows at the next claim.
 */

export const LEASE_MS = 30_000;
export const MOST_ATTEMPTS = 3;
const RETRY_STEP_MS = 5_000;

export type Decision =
  | { readonly kind: 'changed'; readonly job: Job }
  | { readonly kind: 'unchanged' }
  /** The caller's epoch is not the job's any more. */
  | { readonly kind: 'fenced' };

export interface Recorded {
  readonly recoveryPointId: string;
  readonly backupType: BackupType;
  readonly counters?: JobCounters;
}

const unchanged: Decision = { kind: 'unchanged' };
const fenced: Decision = { kind: 'fenced' };

/** QUEUED → DISPATCHED, for a job that the store found claimable. */
export function claim(job: Job, now: number): Decision {
  if (job.state !== 'QUEUED' || job.notBefore > now) return unchanged;
  return changed({ ...job, state: 'DISPATCHED', epoch: job.epoch + 1, leaseUntil: now + LEASE_MS });
}

export function holds(job: Job, agentId: string, epoch: number): boolean {
  return isActive(job) && job.agentId === agentId && job.epoch === epoch;
}

export function accept(job: Job, agentId: string, epoch: number, now: number): Decision {
  if (!holds(job, agentId, epoch)) return fenced;
  if (job.state === 'RUNNING') return unchanged;
  // A cancelled job's lease is not prolonged: its end settles the job if the agent never answers.
  const leaseUntil = job.cancelRequestedAt === undefined ? now + LEASE_MS : job.leaseUntil;
  return changed({ ...job, state: 'RUNNING', startedAt: job.startedAt ?? now, leaseUntil });
}

/** The agent reports the end. A report that comes again after it was taken changes nothing. */
export function finish(job: Job, agentId: string, epoch: number, result: JobResult, now: number): Decision {
  if (isFinal(job) && job.agentId === agentId && job.epoch === epoch) return unchanged;
  if (!holds(job, agentId, epoch)) return fenced;
  const { outcome, counters, noticesTotal } = result;
  const reported = { ...job, counters, noticesTotal, startedAt: job.startedAt ?? now };
  switch (outcome.kind) {
    case 'backup': {
      const made = { ...reported, recoveryPointId: outcome.pointId, backupType: outcome.type };
      if (outcome.typeReason !== undefined) Object.assign(made, { backupTypeReason: outcome.typeReason });
      return end(made, counters.warnings > 0n || noticesTotal > 0 ? 'COMPLETED_WITH_WARNINGS' : 'COMPLETED', now);
    }
    case 'restore':
      if (outcome.damaged > 0) {
        return fail(
          reported,
          {
            code: 'DATA_CORRUPTED',
            message: `${outcome.damaged} file(s) are damaged in the vault and were not restored; everything else was.`,
          },
          now,
        );
      }
      return end(
        reported,
        counters.warnings > 0n || outcome.notRestorable > 0 ? 'COMPLETED_WITH_WARNINGS' : 'COMPLETED',
        now,
      );
    case 'failure': {
      if (job.cancelRequestedAt !== undefined) return end(reported, 'CANCELLED', now);
      // A restore may have written half of its files, which a second try would find in its way.
      if (job.kind === 'BACKUP' && isTransient(outcome.code)) return retryOrFail(reported, outcome, now);
      return fail(reported, outcome, now);
    }
    case 'cancelled':
      // Nobody asked for it here: the agent itself was stopped, and the job is still wanted.
      if (job.cancelRequestedAt === undefined)
        return retryOrFail(reported, { code: 'CANCELLED', message: 'The agent stopped the job.' }, now);
      return end(reported, 'CANCELLED', now);
  }
}

/** The lease ended, or the agent came back without the job. */
export function loseHolder(job: Job, recorded: Recorded | undefined, now: number): Decision {
  if (!isActive(job)) return unchanged;
  if (recorded) {
    const counters = recorded.counters ?? job.counters;
    const { recoveryPointId, backupType } = recorded;
    return end(
      { ...job, recoveryPointId, backupType, ...(counters && { counters }) },
      counters && counters.warnings > 0n ? 'COMPLETED_WITH_WARNINGS' : 'COMPLETED',
      now,
    );
  }
  if (job.cancelRequestedAt !== undefined) return end(job, 'CANCELLED', now);
  return retryOrFail(job, { code: 'TIMEOUT', message: 'The agent stopped answering while it held the job.' }, now);
}

/** No command could be made for a claimed job. */
export function failToStart(job: Job, epoch: number, failure: JobFailure, now: number): Decision {
  if (job.state !== 'DISPATCHED' || job.epoch !== epoch) return fenced;
  if (job.cancelRequestedAt !== undefined) return end(job, 'CANCELLED', now);
  return isTransient(failure.code) ? retryOrFail(job, failure, now) : fail(job, failure, now);
}

export function requestCancel(job: Job, now: number): Decision {
  if (job.state === 'QUEUED') return end(job, 'CANCELLED', now);
  if (!isActive(job) || job.cancelRequestedAt !== undefined) return unchanged;
  return changed({ ...job, cancelRequestedAt: now });
}

export function revokeHolder(job: Job, now: number): Decision {
  if (isFinal(job)) return unchanged;
  return fail(job, { code: 'FORBIDDEN', message: 'The agent was revoked.' }, now);
}

function retryOrFail(job: Job, failure: JobFailure, now: number): Decision {
  if (job.attempt >= MOST_ATTEMPTS) {
    return fail(
      job,
      { code: failure.code, message: `${failure.message} This was attempt ${job.attempt} of ${MOST_ATTEMPTS}.` },
      now,
    );
  }
  const { leaseUntil: _, ...rest } = job;
  return changed({
    ...rest,
    state: 'QUEUED',
    attempt: job.attempt + 1,
    notBefore: now + RETRY_STEP_MS * job.attempt,
    previousAttemptError: { code: failure.code, message: failure.message },
  });
}

function fail(job: Job, failure: JobFailure, now: number): Decision {
  return end({ ...job, error: { code: failure.code, message: failure.message } }, 'FAILED', now);
}

function end(job: Job, state: Job['state'], now: number): Decision {
  const { leaseUntil: _, ...rest } = job;
  return changed({ ...rest, state, finishedAt: now });
}

function changed(job: Job): Decision {
  return { kind: 'changed', job };
}

function isTransient(code: string): boolean {
  const kind = kindOfCode(code);
  return kind !== undefined && ['yes', 'after-re-read', 'if-idempotent'].includes(ERROR_TABLE[kind].retried);
}
