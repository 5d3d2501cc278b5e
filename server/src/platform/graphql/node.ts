import { decodeGlobalId } from '@holdfast/core/ids';
import { Field, ID, InterfaceType } from 'type-graphql';
import type { Context } from '../context.js';
import type { GraphqlContext } from './graphql-context.js';

/** Every object type with a global id implements it: `@ObjectType('Vault', { implements: NodeType })`. The id tells the type. */
@InterfaceType('Node', { resolveType: (value: NodeType) => decodeGlobalId(value.id).type })
export abstract class NodeType {
  @Field(() => ID)
  id!: string;
}

/** One type that `node(id)` can answer. */
export interface NodeLoader {
  /** GraphQL type name, as in the global id. */
  readonly type: string;
  /** Calls a use case, which authorises, and presents what it gives; undefined when there is none. */
  load(ctx: GraphqlContext, uuid: string): Promise<NodeType | undefined>;
}

/** A loader from a use case that gives undefined for what there is not and for what the caller may not see. */
export function nodeLoader<T>(
  type: string,
  get: (ctx: Context, uuid: string) => Promise<T | undefined>,
  present: (item: T, ctx: Context) => NodeType,
): NodeLoader {
  return {
    type,
    async load(ctx, uuid) {
      const found = await get(ctx, uuid);
      return found === undefined ? undefined : present(found, ctx);
    },
  };
}
