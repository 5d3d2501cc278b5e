import { isHoldfastError } from '@holdfast/core/errors';
import { decodeGlobalId, isUuid } from '@holdfast/core/ids';
import { Arg, Ctx, ID, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from './graphql-context.js';
import { NodeType } from './node.js';
import { NODE_LOADERS } from './resolvers.js';

@Resolver()
export class NodeResolver {
  @Query(() => NodeType, { nullable: true })
  async node(@Ctx() ctx: GraphqlContext, @Arg('id', () => ID) id: string): Promise<NodeType | null> {
    const { type, uuid } = decodeGlobalId(id);
    const loader = NODE_LOADERS.find((each) => each.type === type);
    if (loader === undefined || !isUuid(uuid)) return null;
    try {
      return (await loader.load(ctx, uuid)) ?? null;
    } catch (error) {
      // What there is not and what may not be seen are the same answer.
      if (isHoldfastError(error, 'NotFound')) return null;
      throw error;
    }
  }
}
