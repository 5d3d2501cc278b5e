import { encodeGlobalId } from '@holdfast/core/ids';
import { Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { connectionType } from '../../../platform/graphql/connection.js';
import { MutationInput, MutationPayload } from '../../../platform/graphql/mutation.js';
import { NodeType } from '../../../platform/graphql/node.js';
import { DateTimeScalar } from '../../../platform/graphql/scalars.js';
import type { BackupType } from '../../jobs/domain/job.js';
import { BackupAmounts } from '../../jobs/graphql/backup-amounts.type.js';
import { BackupTypeEnum } from '../../jobs/graphql/backup-type.enum.js';
import type { Consistency, RecoveryPoint } from '../domain/recovery-point.js';

const TierEnum = { VAULT_STANDARD: 'VAULT_STANDARD' } as const;
registerEnumType(TierEnum, { name: 'Tier' });
const ConsistencyEnum: { readonly [C in Consistency]: C } = {
  CRASH: 'CRASH',
  FILE_SYSTEM: 'FILE_SYSTEM',
  APPLICATION: 'APPLICATION',
};
registerEnumType(ConsistencyEnum, { name: 'Consistency' });

@ObjectType('RecoveryPoint', { implements: NodeType })
export class RecoveryPointType extends BackupAmounts implements NodeType {
  id!: string;
  itemId!: string;
  basePointId?: string;
  @Field(() => Int)
  sequence!: number;
  @Field(() => DateTimeScalar)
  time!: number;
  @Field(() => BackupTypeEnum)
  backupType!: BackupType;
  @Field(() => [TierEnum])
  tiers!: string[];
  @Field(() => ConsistencyEnum)
  consistency!: Consistency;
  @Field(() => DateTimeScalar, { nullable: true })
  expiresAt!: number | null;
  @Field(() => Int)
  warnings!: number;
}

export const RecoveryPointConnection = connectionType('RecoveryPoint', RecoveryPointType);

@InputType('RecoveryPointFilter')
export class RecoveryPointFilterInput {
  @Field(() => ID, { nullable: true })
  protectedItemId?: string | null;
  @Field(() => ID, { nullable: true })
  vaultId?: string | null;
}

@InputType('DeleteRecoveryPointInput')
export class DeleteRecoveryPointInput extends MutationInput {
  @Field(() => ID)
  recoveryPointId!: string;
}

@ObjectType('DeleteRecoveryPointPayload')
export class DeleteRecoveryPointPayload extends MutationPayload {
  @Field(() => ID)
  recoveryPointId!: string;
  @Field({ description: 'What happens to the space it takes.' })
  notice!: string;
}

const LARGEST_INT = 2 ** 31 - 1;

export function presentRecoveryPoint(point: RecoveryPoint): RecoveryPointType {
  const { statistics, sequence, backupType, consistency, itemId, basePointId } = point;
  return {
    ...statistics,
    id: encodeGlobalId('RecoveryPoint', point.id),
    itemId,
    ...(basePointId === undefined ? {} : { basePointId }),
    sequence,
    time: point.committedAt,
    backupType,
    tiers: [TierEnum.VAULT_STANDARD],
    consistency,
    // Nothing expires until retention rules exist.
    expiresAt: null,
    warnings: Math.min(Number(statistics.warnings), LARGEST_INT),
  };
}
