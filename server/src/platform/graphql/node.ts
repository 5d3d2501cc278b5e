import type { GraphqlContext } from './graphql-context.js';

/** One type that `node(id)` can answer. */
export interface NodeLoader {
  /** GraphQL type name, as in the global id. */
  readonly type: string;
  /** Calls a use case, which authorises; gives an instance of the @ObjectType class, or undefined. */
  load(ctx: GraphqlContext, uuid: string): Promise<object | undefined>;
}
