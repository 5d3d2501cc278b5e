import { decodeGlobalIdOf } from '@holdfast/core/ids';
import { Field, ID, InputType, ObjectType, registerEnumType } from 'type-graphql';
import { MutationInput, MutationPayload } from '../../../platform/graphql/mutation.js';
import { PathScalar } from '../../../platform/graphql/scalars.js';
import { JobType } from '../../jobs/graphql/job.type.js';
import type { OnConflict, RestoreMode } from '../domain/restore-plan.js';
import type { TriggerRestoreInput as Wanted } from '../use-cases/trigger-restore.js';

const OnConflictEnum: { readonly [C in OnConflict]: C } = {
  FAIL: 'FAIL',
  SKIP: 'SKIP',
  OVERWRITE: 'OVERWRITE',
  KEEP_BOTH: 'KEEP_BOTH',
};
registerEnumType(OnConflictEnum, { name: 'OnConflict' });
const RestoreModeEnum: { readonly [M in RestoreMode]: M } = {
  ORIGINAL_LOCATION: 'ORIGINAL_LOCATION',
  ALTERNATE_LOCATION: 'ALTERNATE_LOCATION',
};
registerEnumType(RestoreModeEnum, { name: 'RestoreMode' });

const ROOT = Buffer.from('/');

@InputType('RestoreTargetInput')
export class RestoreTargetInput {
  @Field(() => ID, { nullable: true, description: "Absent: the item's own agent." })
  agentId?: string | null;
  @Field(() => PathScalar)
  path!: Buffer;
  @Field(() => PathScalar, {
    nullable: true,
    defaultValue: ROOT,
    description: 'Directory of the point that comes to lie at `path`.',
  })
  base!: Buffer | null;
}

@InputType('TriggerRestoreInput')
export class TriggerRestoreInput extends MutationInput {
  @Field(() => ID)
  recoveryPointId!: string;
  @Field(() => RestoreModeEnum)
  mode!: RestoreMode;
  @Field(() => RestoreTargetInput, { nullable: true, description: 'ALTERNATE_LOCATION only.' })
  target?: RestoreTargetInput | null;
  @Field(() => [PathScalar], { nullable: true, description: 'Paths in the point; everything if absent.' })
  select?: Buffer[] | null;
  @Field(() => OnConflictEnum, { nullable: true, defaultValue: OnConflictEnum.FAIL })
  onConflict!: OnConflict | null;
}

@ObjectType('TriggerRestorePayload')
export class TriggerRestorePayload extends MutationPayload {
  @Field(() => JobType)
  job!: JobType;
}

export function toWantedRestore(input: TriggerRestoreInput): Wanted {
  const { target, select } = input;
  return {
    recoveryPointId: decodeGlobalIdOf('RecoveryPoint', input.recoveryPointId),
    mode: input.mode,
    onConflict: input.onConflict ?? 'FAIL',
    ...(target
      ? {
          target: {
            path: target.path,
            base: target.base ?? ROOT,
            ...(target.agentId ? { agentId: decodeGlobalIdOf('Agent', target.agentId) } : {}),
          },
        }
      : {}),
    ...(select ? { select } : {}),
  };
}
