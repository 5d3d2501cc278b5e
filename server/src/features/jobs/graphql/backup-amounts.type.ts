import { Field, ObjectType } from 'type-graphql';
import { BigIntScalar } from '../../../platform/graphql/scalars.js';
import type { JobCounters } from '../domain/job.js';

/** What a backup came to, as both its job and its recovery point say; their types extend it. */
@ObjectType()
export abstract class BackupAmounts implements Omit<JobCounters, 'bytesWritten' | 'warnings' | 'entriesSkipped'> {
  @Field(() => BigIntScalar)
  entries!: bigint;
  @Field(() => BigIntScalar)
  files!: bigint;
  @Field(() => BigIntScalar)
  bytesTotal!: bigint;
  @Field(() => BigIntScalar)
  bytesRead!: bigint;
  @Field(() => BigIntScalar)
  bytesChanged!: bigint;
  @Field(() => BigIntScalar)
  bytesSent!: bigint;
  @Field(() => BigIntScalar)
  bytesStored!: bigint;
}
