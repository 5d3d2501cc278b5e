import { decodeGlobalIdOf } from '@holdfast/core/ids';
import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { MutationInput, MutationPayload } from '../../../platform/graphql/mutation.js';
import { PathScalar } from '../../../platform/graphql/scalars.js';
import type { BackupType } from '../../jobs/domain/job.js';
import { BackupTypeEnum } from '../../jobs/graphql/backup-type.enum.js';
import { JobType } from '../../jobs/graphql/job.type.js';
import type { ProtectionState } from '../domain/protected-item.js';
import type { ProtectedItemFilter } from '../ports.js';
import { ProtectedItemType, ProtectionStateEnum } from './protected-item.type.js';

@InputType('ProtectedItemFilter')
export class ProtectedItemFilterInput {
  @Field(() => ID, { nullable: true })
  subscriptionId?: string | null;
  @Field(() => ID, { nullable: true })
  vaultId?: string | null;
  @Field(() => ID, { nullable: true })
  agentId?: string | null;
  @Field(() => ProtectionStateEnum, { nullable: true })
  state?: ProtectionState | null;
}

@InputType('FilesDatasourceInput')
export class FilesDatasourceInput {
  @Field(() => [PathScalar])
  roots!: Buffer[];
  @Field(() => [PathScalar], { nullable: true, defaultValue: [] })
  include!: Buffer[] | null;
  @Field(() => [PathScalar], { nullable: true, defaultValue: [] })
  exclude!: Buffer[] | null;
  @Field(() => Boolean, { nullable: true, defaultValue: false })
  oneFileSystem!: boolean | null;
}

@InputType('ConfigureProtectionInput')
export class ConfigureProtectionInput extends MutationInput {
  @Field(() => ID)
  agentId!: string;
  @Field(() => ID)
  vaultId!: string;
  @Field(() => ID, { nullable: true })
  policyId?: string | null;
  @Field()
  name!: string;
  @Field(() => FilesDatasourceInput)
  files!: FilesDatasourceInput;
}

@ObjectType('ConfigureProtectionPayload')
export class ConfigureProtectionPayload extends MutationPayload {
  @Field(() => ProtectedItemType)
  protectedItem!: ProtectedItemType;
}

@InputType('StopProtectionInput')
export class StopProtectionInput extends MutationInput {
  @Field(() => ID)
  protectedItemId!: string;
  @Field()
  retainData!: boolean;
}

@ObjectType('StopProtectionPayload')
export class StopProtectionPayload extends MutationPayload {
  @Field(() => ProtectedItemType)
  protectedItem!: ProtectedItemType;
}

@InputType('BackupNowInput')
export class BackupNowInput extends MutationInput {
  @Field(() => ID)
  protectedItemId!: string;
  @Field(() => BackupTypeEnum)
  type!: BackupType;
}

@ObjectType('BackupNowPayload')
export class BackupNowPayload extends MutationPayload {
  @Field(() => JobType)
  job!: JobType;
}

export function toItemFilter(filter: ProtectedItemFilterInput | null | undefined): ProtectedItemFilter {
  return {
    ...(filter?.subscriptionId ? { subscriptionId: decodeGlobalIdOf('Subscription', filter.subscriptionId) } : {}),
    ...(filter?.vaultId ? { vaultId: decodeGlobalIdOf('Vault', filter.vaultId) } : {}),
    ...(filter?.agentId ? { agentId: decodeGlobalIdOf('Agent', filter.agentId) } : {}),
    ...(filter?.state ? { state: filter.state } : {}),
  };
}
