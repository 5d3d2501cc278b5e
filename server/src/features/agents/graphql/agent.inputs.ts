import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { MutationInput, MutationPayload } from '../../../platform/graphql/mutation.js';
import { DateTimeScalar } from '../../../platform/graphql/scalars.js';
import type { AgentStatus } from '../domain/agent.js';
import { AgentStatusEnum, AgentType } from './agent.type.js';

@InputType('AgentFilter')
export class AgentFilterInput {
  @Field(() => ID, { nullable: true })
  subscriptionId?: string | null;
  @Field(() => AgentStatusEnum, { nullable: true })
  status?: AgentStatus | null;
}

@InputType('CreateEnrollmentTokenInput')
export class CreateEnrollmentTokenInput extends MutationInput {
  @Field(() => ID)
  subscriptionId!: string;
  @Field()
  agentName!: string;
}

@ObjectType('CreateEnrollmentTokenPayload')
export class CreateEnrollmentTokenPayload extends MutationPayload {
  @Field({ description: 'Shown once.' })
  token!: string;
  @Field(() => DateTimeScalar)
  expiresAt!: number;
  @Field()
  serverAddress!: string;
}

@InputType('RevokeAgentInput')
export class RevokeAgentInput extends MutationInput {
  @Field(() => ID)
  agentId!: string;
}

@ObjectType('SetAgentBandwidthPayload')
export class SetAgentBandwidthPayload extends MutationPayload {
  @Field(() => AgentType)
  agent!: AgentType;
}

@ObjectType('RevokeAgentPayload')
export class RevokeAgentPayload extends MutationPayload {
  @Field(() => AgentType)
  agent!: AgentType;
}
