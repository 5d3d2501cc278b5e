import { decodeGlobalIdOf } from '@holdfast/core/ids';
import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { MutationInput, MutationPayload } from '../../../platform/graphql/mutation.js';
import type { JobKind, JobState } from '../domain/job.js';
import type { JobFilter } from '../ports.js';
import { JobKindEnum, JobStateEnum, JobType } from './job.type.js';

@InputType('JobFilter')
export class JobFilterInput {
  @Field(() => ID, { nullable: true })
  subscriptionId?: string | null;
  @Field(() => ID, { nullable: true })
  vaultId?: string | null;
  @Field(() => ID, { nullable: true })
  protectedItemId?: string | null;
  @Field(() => ID, { nullable: true })
  agentId?: string | null;
  @Field(() => JobKindEnum, { nullable: true })
  kind?: JobKind | null;
  @Field(() => [JobStateEnum], { nullable: true })
  states?: JobState[] | null;
}

@InputType('CancelJobInput')
export class CancelJobInput extends MutationInput {
  @Field(() => ID)
  jobId!: string;
}

@ObjectType('CancelJobPayload')
export class CancelJobPayload extends MutationPayload {
  @Field(() => JobType)
  job!: JobType;
}

export function toJobFilter(filter: JobFilterInput | null | undefined): JobFilter {
  return {
    ...(filter?.subscriptionId ? { subscriptionId: decodeGlobalIdOf('Subscription', filter.subscriptionId) } : {}),
    ...(filter?.vaultId ? { vaultId: decodeGlobalIdOf('Vault', filter.vaultId) } : {}),
    ...(filter?.protectedItemId ? { protectedItemId: decodeGlobalIdOf('ProtectedItem', filter.protectedItemId) } : {}),
    ...(filter?.agentId ? { agentId: decodeGlobalIdOf('Agent', filter.agentId) } : {}),
    ...(filter?.kind ? { kind: filter.kind } : {}),
    ...(filter?.states ? { states: filter.states } : {}),
  };
}
