import { Arg, Args, Ctx, Field, InputType, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import { ConnectionArgs, presentPage, toPageRequest } from '../../../platform/graphql/connection.js';
import type { GraphqlContext } from '../../../platform/graphql/graphql-context.js';
import { MutationInput, MutationPayload } from '../../../platform/graphql/mutation.js';
import { createSubscription } from '../use-cases/create-subscription.js';
import { listSubscriptions } from '../use-cases/list-subscriptions.js';
import { presentSubscription, SubscriptionConnection, SubscriptionType } from './subscription.type.js';

@InputType('CreateSubscriptionInput')
class CreateSubscriptionInput extends MutationInput {
  @Field()
  name!: string;
}

@ObjectType('CreateSubscriptionPayload')
class CreateSubscriptionPayload extends MutationPayload {
  @Field(() => SubscriptionType)
  subscription!: SubscriptionType;
}

@Resolver()
export class SubscriptionResolver {
  @Query(() => SubscriptionConnection)
  async subscriptions(@Ctx() ctx: GraphqlContext, @Args(() => ConnectionArgs) args: ConnectionArgs): Promise<object> {
    return presentPage(args, await listSubscriptions(ctx, toPageRequest(args)), presentSubscription);
  }

  @Mutation(() => CreateSubscriptionPayload)
  async createSubscription(
    @Ctx() ctx: GraphqlContext,
    @Arg('input', () => CreateSubscriptionInput) input: CreateSubscriptionInput,
  ): Promise<CreateSubscriptionPayload> {
    return { subscription: presentSubscription(await createSubscription(ctx, { name: input.name })) };
  }
}
