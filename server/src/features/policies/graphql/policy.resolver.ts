import { decodeGlobalIdOf } from '@holdfast/core/ids';
import { Arg, Args, Ctx, FieldResolver, Mutation, Query, Resolver, Root } from 'type-graphql';
import { ConnectionArgs, presentPage, toPageRequest } from '../../../platform/graphql/connection.js';
import type { GraphqlContext } from '../../../platform/graphql/graphql-context.js';
import { presentSubscription, SubscriptionType } from '../../subscriptions/graphql/subscription.type.js';
import { createPolicy } from '../use-cases/create-policy.js';
import { listPolicies } from '../use-cases/list-policies.js';
import {
  CreatePolicyInput,
  CreatePolicyPayload,
  PolicyConnection,
  PolicyFilterInput,
  PolicyType,
  presentPolicy,
  toSchedule,
} from './policy.type.js';

@Resolver(() => PolicyType)
export class PolicyResolver {
  @Query(() => PolicyConnection)
  async policies(
    @Ctx() ctx: GraphqlContext,
    @Args(() => ConnectionArgs) args: ConnectionArgs,
    @Arg('filter', () => PolicyFilterInput, { nullable: true }) filter?: PolicyFilterInput | null,
  ): Promise<object> {
    const wanted = filter?.subscriptionId
      ? { subscriptionId: decodeGlobalIdOf('Subscription', filter.subscriptionId) }
      : {};
    return presentPage(args, await listPolicies(ctx, wanted, toPageRequest(args)), presentPolicy);
  }

  @Mutation(() => CreatePolicyPayload)
  async createPolicy(
    @Ctx() ctx: GraphqlContext,
    @Arg('input', () => CreatePolicyInput) input: CreatePolicyInput,
  ): Promise<CreatePolicyPayload> {
    const subscriptionId = decodeGlobalIdOf('Subscription', input.subscriptionId);
    return {
      policy: presentPolicy(
        await createPolicy(ctx, { subscriptionId, name: input.name, schedule: toSchedule(input.schedule) }),
      ),
    };
  }

  @FieldResolver(() => SubscriptionType)
  async subscription(@Root() root: PolicyType, @Ctx() ctx: GraphqlContext): Promise<object | undefined> {
    const found = await ctx.loaders.load('subscription', root.subscriptionId, (stores, ids) =>
      stores.subscriptions.getMany(ids),
    );
    return found && presentSubscription(found);
  }
}
