import { Arg, Args, Ctx, Field, InputType, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import { ConnectionArgs, presentPage, toPageRequest } from '../../../platform/graphql/connection.js';
import type { GraphqlContext } from '../../../platform/graphql/graphql-context.js';
import { MutationInput, MutationPayload } from '../../../platform/graphql/mutation.js';
import { createRegion } from '../use-cases/create-region.js';
import { listRegions } from '../use-cases/list-regions.js';
import { presentRegion, RegionConnection, RegionType } from './region.type.js';

@InputType('ZoneInput')
class ZoneInput {
  @Field()
  name!: string;
  @Field()
  storeUrl!: string;
}

@InputType('CreateRegionInput')
class CreateRegionInput extends MutationInput {
  @Field()
  name!: string;
  @Field(() => [ZoneInput])
  zones!: ZoneInput[];
}

@ObjectType('CreateRegionPayload')
class CreateRegionPayload extends MutationPayload {
  @Field(() => RegionType)
  region!: RegionType;
}

@Resolver()
export class RegionResolver {
  @Query(() => RegionConnection)
  async regions(@Ctx() ctx: GraphqlContext, @Args(() => ConnectionArgs) args: ConnectionArgs): Promise<object> {
    return presentPage(args, await listRegions(ctx, toPageRequest(args)), presentRegion);
  }

  @Mutation(() => CreateRegionPayload)
  async createRegion(
    @Ctx() ctx: GraphqlContext,
    @Arg('input', () => CreateRegionInput) input: CreateRegionInput,
  ): Promise<CreateRegionPayload> {
    return { region: presentRegion(await createRegion(ctx, { name: input.name, zones: input.zones })) };
  }
}
