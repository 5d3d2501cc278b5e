import { Field, ObjectType } from 'type-graphql';
import { BigIntScalar } from '../../../platform/graphql/scalars.js';
import type { JobCounters } from '../domain/job.js';

/**
 * What a backup came to, as both its job and its recovery point say; their types extend it. What an attempt sent and stored
 * that ended without a word, nobody knows; so these are amounts of the last attempt.
 */
@ObjectType()
export abstract class BackupAmounts implements Omit<JobCounters, 'bytesWritten' | 'warnings' | 'entriesSkipped'> {
  @Field(() => BigIntScalar, {
    description:
      'Of a backup: what was seen, folders included. Of a restore: what is there by now, also from an attempt before this one or from before the restore; nothing that could not be restored.',
  })
  entries!: bigint;
  @Field(() => BigIntScalar)
  files!: bigint;
  @Field(() => BigIntScalar, { description: 'Apparent bytes of all that was seen.' })
  bytesTotal!: bigint;
  @Field(() => BigIntScalar, { description: 'Bytes of content read on the host, by the last attempt.' })
  bytesRead!: bigint;
  @Field(() => BigIntScalar, {
    description:
      'Bytes of content that the vault did not have when the last attempt came to them: what an interrupted attempt before it stored is not among them.',
  })
  bytesChanged!: bigint;
  @Field(() => BigIntScalar, { description: 'Bytes of packs sent over the network, by the last attempt.' })
  bytesSent!: bigint;
  @Field(() => BigIntScalar, { description: "Bytes of packs that the vault's store took, from the last attempt." })
  bytesStored!: bigint;
}
