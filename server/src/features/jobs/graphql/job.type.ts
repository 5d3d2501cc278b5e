import { encodeGlobalId } from '@holdfast/core/ids';
import { Field, Float, Int, ObjectType, registerEnumType } from 'type-graphql';
import { connectionType } from '../../../platform/graphql/connection.js';
import { NodeType } from '../../../platform/graphql/node.js';
import { BigIntScalar, DateTimeScalar, PathScalar } from '../../../platform/graphql/scalars.js';
import type { BackupType, Job, JobCounters, JobKind, JobNotice, JobPhase, JobState } from '../domain/job.js';
import { isFinal } from '../domain/job.js';
import type { ProgressState } from '../domain/progress.js';
import { BackupAmounts } from './backup-amounts.type.js';
import { BackupTypeEnum } from './backup-type.enum.js';

export const JobKindEnum: { readonly [K in JobKind]: K } = { BACKUP: 'BACKUP', RESTORE: 'RESTORE' };
registerEnumType(JobKindEnum, { name: 'JobKind' });

export const JobStateEnum: { readonly [S in JobState]: S } = {
  QUEUED: 'QUEUED',
  DISPATCHED: 'DISPATCHED',
  RUNNING: 'RUNNING',
  COMPLETED: 'COMPLETED',
  COMPLETED_WITH_WARNINGS: 'COMPLETED_WITH_WARNINGS',
  FAILED: 'FAILED',
  CANCELLED: 'CANCELLED',
};
registerEnumType(JobStateEnum, { name: 'JobState' });

export const JobPhaseEnum: { readonly [P in JobPhase]: P } = {
  PREPARING: 'PREPARING',
  TRANSFERRING: 'TRANSFERRING',
  COMMITTING: 'COMMITTING',
  FINISHING: 'FINISHING',
};
registerEnumType(JobPhaseEnum, { name: 'JobPhase' });

@ObjectType('JobProgress')
export class JobProgressType extends BackupAmounts {
  @Field(() => JobPhaseEnum)
  phase!: JobPhase;
  @Field(() => BigIntScalar, {
    description: 'Of a restore: bytes of content written, also by an attempt before this one whose files are there.',
  })
  bytesWritten!: bigint;
  @Field(() => BigIntScalar, {
    description: 'Of a restore: entries that were there already and were left as they are, folders included.',
  })
  entriesSkipped!: bigint;
  @Field(() => BigIntScalar, { nullable: true })
  expectedBytes!: bigint | null;
  @Field(() => Float, {
    nullable: true,
    description:
      'How much is done, 0 to 1: of a backup an estimate. Never goes back during an attempt; null while unknown.',
  })
  fraction!: number | null;
  @Field(() => BigIntScalar, { description: 'Bytes a second over the last interval.' })
  rate!: bigint;
  @Field(() => Int, { nullable: true })
  etaSeconds!: number | null;
}

@ObjectType('JobNotice')
export class JobNoticeType {
  @Field(() => PathScalar)
  path!: Uint8Array;
  @Field()
  kind!: string;
  @Field()
  message!: string;
}

@ObjectType('JobError')
export class JobErrorType {
  @Field()
  code!: string;
  @Field()
  message!: string;
}

@ObjectType('Job', { implements: NodeType })
export class JobType extends NodeType {
  /** What the resolvers of other fields start from; it does not appear in the schema. */
  job!: Job;
  @Field(() => JobKindEnum)
  kind!: JobKind;
  @Field(() => JobStateEnum)
  state!: JobState;
  @Field(() => BackupTypeEnum, { nullable: true })
  requestedBackupType!: BackupType | null;
  @Field(() => BackupTypeEnum, { nullable: true })
  backupType!: BackupType | null;
  @Field(() => String, { nullable: true })
  backupTypeReason!: string | null;
  @Field(() => DateTimeScalar)
  createdAt!: number;
  @Field(() => DateTimeScalar, { nullable: true })
  startedAt!: number | null;
  @Field(() => DateTimeScalar, { nullable: true })
  finishedAt!: number | null;
  @Field(() => Int)
  attempt!: number;
  @Field(() => JobErrorType, { nullable: true })
  error!: JobErrorType | null;
  @Field(() => JobErrorType, { nullable: true, description: 'Why the attempt before this one came to nothing.' })
  previousAttemptError!: JobErrorType | null;
  @Field(() => Int)
  noticesTotal!: number;
}

export const JobConnection = connectionType('Job', JobType);

export function presentJob(job: Job): JobType {
  return {
    id: encodeGlobalId('Job', job.id),
    job,
    kind: job.kind,
    state: job.state,
    requestedBackupType: job.requestedBackupType ?? null,
    backupType: job.backupType ?? null,
    backupTypeReason: job.backupTypeReason ?? null,
    createdAt: job.createdAt,
    startedAt: job.startedAt ?? null,
    finishedAt: job.finishedAt ?? null,
    attempt: job.attempt,
    error: job.error ?? null,
    previousAttemptError: job.previousAttemptError ?? null,
    noticesTotal: job.noticesTotal,
  };
}

const NOTHING_YET: JobCounters = {
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

/** What runs now as it was last reported; of a job that is over, its final counters; zeros before anything was reported. */
export function presentProgress(job: Job, live: ProgressState | undefined): JobProgressType {
  if (live !== undefined && !isFinal(job)) {
    const { counters, phase, expectedBytes, fraction = null, rate, etaSeconds } = live;
    return {
      ...withoutWarnings(counters),
      phase,
      expectedBytes: expectedBytes === 0n ? null : expectedBytes,
      fraction,
      rate,
      etaSeconds: etaSeconds ?? null,
    };
  }
  const phase = job.counters === undefined ? 'PREPARING' : 'FINISHING';
  return {
    ...withoutWarnings(job.counters ?? NOTHING_YET),
    phase,
    expectedBytes: null,
    fraction: null,
    rate: 0n,
    etaSeconds: null,
  };
}

export function presentNotice({ path, kind, message }: JobNotice): JobNoticeType {
  return { path, kind, message };
}

function withoutWarnings({ warnings: _, ...counters }: JobCounters): Omit<JobCounters, 'warnings'> {
  return counters;
}
