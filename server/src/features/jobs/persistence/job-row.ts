import type { Job, JobCounters, JobFailure } from '../domain/job.js';
import { isActive } from '../domain/job.js';
import type { JobRow } from './job.entity.js';

export function toRow(job: Job): Required<JobRow> {
  return {
    id: job.id,
    kind: job.kind,
    state: job.state,
    subscriptionId: job.subscriptionId,
    vaultId: job.vaultId,
    protectedItemId: job.protectedItemId,
    activeItemId: isActive(job) ? job.protectedItemId : null,
    agentId: job.agentId,
    requestedBy: job.requestedBy,
    payload: job.payload,
    requestedBackupType: job.requestedBackupType ?? null,
    backupType: job.backupType ?? null,
    backupTypeReason: job.backupTypeReason ?? null,
    recoveryPointId: job.recoveryPointId ?? null,
    attempt: job.attempt,
    epoch: job.epoch,
    leaseUntil: job.leaseUntil ?? null,
    notBefore: job.notBefore,
    cancelRequestedAt: job.cancelRequestedAt ?? null,
    createdAt: job.createdAt,
    startedAt: job.startedAt ?? null,
    finishedAt: job.finishedAt ?? null,
    errorCode: job.error?.code ?? null,
    errorMessage: job.error?.message ?? null,
    previousErrorCode: job.previousAttemptError?.code ?? null,
    previousErrorMessage: job.previousAttemptError?.message ?? null,
    counters: job.counters === undefined ? null : mapCounters(job.counters, String),
    noticesTotal: job.noticesTotal,
  };
}

export function toJob(row: JobRow): Job {
  const { activeItemId: _, errorCode, errorMessage, previousErrorCode, previousErrorMessage, counters, ...rest } = row;
  const optional = {
    requestedBackupType: rest.requestedBackupType,
    backupType: rest.backupType,
    backupTypeReason: rest.backupTypeReason,
    recoveryPointId: rest.recoveryPointId,
    leaseUntil: rest.leaseUntil,
    cancelRequestedAt: rest.cancelRequestedAt,
    startedAt: rest.startedAt,
    finishedAt: rest.finishedAt,
    error: toFailure(errorCode, errorMessage),
    previousAttemptError: toFailure(previousErrorCode, previousErrorMessage),
    counters: counters === null ? null : mapCounters(counters, BigInt),
  };
  const present = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== null)) as Partial<Job>;
  return {
    id: rest.id,
    kind: rest.kind,
    state: rest.state,
    subscriptionId: rest.subscriptionId,
    vaultId: rest.vaultId,
    protectedItemId: rest.protectedItemId,
    agentId: rest.agentId,
    requestedBy: rest.requestedBy,
    payload: rest.payload,
    attempt: rest.attempt,
    epoch: rest.epoch,
    notBefore: rest.notBefore,
    createdAt: rest.createdAt,
    noticesTotal: rest.noticesTotal,
    ...present,
  };
}

function toFailure(code: string | null, message: string | null): JobFailure | null {
  return code === null ? null : { code, message: message ?? '' };
}

function mapCounters<From, To>(
  counters: Record<keyof JobCounters, From>,
  map: (value: From) => To,
): Record<keyof JobCounters, To> {
  return {
    entries: map(counters.entries),
    files: map(counters.files),
    bytesTotal: map(counters.bytesTotal),
    bytesRead: map(counters.bytesRead),
    bytesChanged: map(counters.bytesChanged),
    bytesSent: map(counters.bytesSent),
    bytesStored: map(counters.bytesStored),
    bytesWritten: map(counters.bytesWritten),
    warnings: map(counters.warnings),
    entriesSkipped: map(counters.entriesSkipped),
  };
}
