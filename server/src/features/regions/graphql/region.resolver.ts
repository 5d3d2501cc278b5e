import {
  Arg,
  Args,
  Ctx,
  Field,
  FieldResolver,
  InputType,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import { ConnectionArgs, presentPage, toPageRequest } from '../../../platform/graphql/connection.js';
import type { GraphqlContext } from '../../../platform/graphql/graphql-context.js';
import { MutationInput, MutationPayload } from '../../../platform/graphql/mutation.js';
import { createRegion } from '../use-cases/create-region.js';
import { listRegions } from '../use-cases/list-regions.js';
import { maySeeStores } from '../use-cases/may-see-stores.js';
import { presentRegion, RegionConnection, RegionType, ZoneType } from './region.type.js';

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

@Resolver(() => ZoneType)
export class ZoneResolver {
  @FieldResolver(() => String, { nullable: true, description: 'Null for whoever may not create regions.' })
  async storeUrl(@Root() { id, storeUrl }: ZoneType, @Ctx() ctx: GraphqlContext): Promise<string | null> {
    // The zones of a whole page ask together.
    const seen = await ctx.loaders.load('zoneStore', id, async (stores, ids) =>
      (await maySeeStores(ctx, stores)) ? ids.map((each) => ({ id: each })) : [],
    );
    return seen === undefined ? null : storeUrl;
  }
}
