import { encodeGlobalId } from '@holdfast/core/ids';
import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { connectionType } from '../../../platform/graphql/connection.js';
import { NodeType } from '../../../platform/graphql/node.js';
import { DateTimeScalar } from '../../../platform/graphql/scalars.js';
import type { Agent, AgentStatus } from '../domain/agent.js';
import type { AgentConnections } from '../services.js';
import { statusOf } from '../use-cases/list-agents.js';
import { BandwidthLimitsType, presentBandwidth } from './bandwidth.type.js';

export const AgentStatusEnum: { readonly [S in AgentStatus]: S } = {
  ONLINE: 'ONLINE',
  OFFLINE: 'OFFLINE',
  REVOKED: 'REVOKED',
};
registerEnumType(AgentStatusEnum, { name: 'AgentStatus' });

@ObjectType('Agent', { implements: NodeType })
export class AgentType extends NodeType {
  /** What the resolver of `subscription` starts from; it does not appear in the schema. */
  subscriptionId!: string;
  @Field()
  name!: string;
  @Field()
  hostName!: string;
  @Field()
  operatingSystem!: string;
  @Field()
  architecture!: string;
  @Field()
  version!: string;
  @Field(() => AgentStatusEnum)
  status!: AgentStatus;
  @Field(() => DateTimeScalar, { nullable: true })
  lastSeenAt!: number | null;
  @Field(() => DateTimeScalar)
  enrolledAt!: number;
  @Field(() => [String])
  capabilities!: readonly string[];
  @Field(() => BandwidthLimitsType)
  bandwidth!: BandwidthLimitsType;
}

export const AgentConnection = connectionType('Agent', AgentType);

export function presentAgent(agent: Agent, connections: AgentConnections): AgentType {
  return {
    id: encodeGlobalId('Agent', agent.id),
    subscriptionId: agent.subscriptionId,
    name: agent.name,
    hostName: agent.host.hostName,
    operatingSystem: agent.host.operatingSystem,
    architecture: agent.host.architecture,
    version: agent.host.agentVersion,
    status: statusOf(agent, connections),
    lastSeenAt: connections.lastSeenAt(agent.id) ?? agent.lastSeenAt ?? null,
    enrolledAt: agent.enrolledAt,
    capabilities: agent.capabilities,
    bandwidth: presentBandwidth(agent.bandwidth),
  };
}
