import { decodeGlobalIdOf } from '@holdfast/core/ids';
import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { ConnectionArgs, presentPage, toPageRequest } from '../../../platform/graphql/connection.js';
import type { GraphqlContext } from '../../../platform/graphql/graphql-context.js';
import { presentSubscription, SubscriptionType } from '../../subscriptions/graphql/subscription.type.js';
import { createEnrollmentToken } from '../use-cases/create-enrollment-token.js';
import { getAgent } from '../use-cases/get-agent.js';
import { listAgents } from '../use-cases/list-agents.js';
import { revokeAgent } from '../use-cases/revoke-agent.js';
import { setAgentBandwidth } from '../use-cases/set-agent-bandwidth.js';
import {
  AgentFilterInput,
  CreateEnrollmentTokenInput,
  CreateEnrollmentTokenPayload,
  RevokeAgentInput,
  RevokeAgentPayload,
  SetAgentBandwidthPayload,
} from './agent.inputs.js';
import { AgentConnection, AgentType, presentAgent } from './agent.type.js';
import { SetAgentBandwidthInput, toBandwidthLimits } from './bandwidth.type.js';

@Resolver(() => AgentType)
export class AgentResolver {
  @Query(() => AgentConnection)
  async agents(
    @Ctx() ctx: GraphqlContext,
    @Args(() => ConnectionArgs) args: ConnectionArgs,
    @Arg('filter', () => AgentFilterInput, { nullable: true }) filter?: AgentFilterInput | null,
  ): Promise<object> {
    const wanted = {
      ...(filter?.subscriptionId ? { subscriptionId: decodeGlobalIdOf('Subscription', filter.subscriptionId) } : {}),
      ...(filter?.status ? { status: filter.status } : {}),
    };
    return presentPage(args, await listAgents(ctx, wanted, toPageRequest(args)), (agent) =>
      presentAgent(agent, ctx.services.agents.connections),
    );
  }

  @Query(() => AgentType, { nullable: true })
  async agent(@Ctx() ctx: GraphqlContext, @Arg('id', () => ID) id: string): Promise<AgentType | null> {
    const agent = await getAgent(ctx, decodeGlobalIdOf('Agent', id));
    return agent === undefined ? null : presentAgent(agent, ctx.services.agents.connections);
  }

  @Mutation(() => CreateEnrollmentTokenPayload)
  async createEnrollmentToken(
    @Ctx() ctx: GraphqlContext,
    @Arg('input', () => CreateEnrollmentTokenInput) input: CreateEnrollmentTokenInput,
  ): Promise<CreateEnrollmentTokenPayload> {
    const { token, expiresAt, serverAddress } = await createEnrollmentToken(ctx, {
      subscriptionId: decodeGlobalIdOf('Subscription', input.subscriptionId),
      agentName: input.agentName,
    });
    return { token, expiresAt, serverAddress };
  }

  @Mutation(() => RevokeAgentPayload)
  async revokeAgent(
    @Ctx() ctx: GraphqlContext,
    @Arg('input', () => RevokeAgentInput) input: RevokeAgentInput,
  ): Promise<RevokeAgentPayload> {
    const agent = await revokeAgent(ctx, { agentId: decodeGlobalIdOf('Agent', input.agentId) });
    return { agent: presentAgent(agent, ctx.services.agents.connections) };
  }

  @Mutation(() => SetAgentBandwidthPayload)
  async setAgentBandwidth(
    @Ctx() ctx: GraphqlContext,
    @Arg('input', () => SetAgentBandwidthInput) input: SetAgentBandwidthInput,
  ): Promise<SetAgentBandwidthPayload> {
    const agentId = decodeGlobalIdOf('Agent', input.agentId);
    const agent = await setAgentBandwidth(ctx, { agentId, bandwidth: toBandwidthLimits(input) });
    return { agent: presentAgent(agent, ctx.services.agents.connections) };
  }

  @FieldResolver(() => SubscriptionType)
  async subscription(@Root() root: AgentType, @Ctx() ctx: GraphqlContext): Promise<SubscriptionType | undefined> {
    const found = await ctx.loaders.load('subscription', root.subscriptionId, (stores, ids) =>
      stores.subscriptions.getMany(ids),
    );
    return found && presentSubscription(found);
  }
}
