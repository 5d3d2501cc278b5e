import { ArgsType, type ClassType, Field, Int, ObjectType } from 'type-graphql';
import type { Page, PageRequest } from '../page.js';

@ObjectType('PageInfo')
export class PageInfoType {
  @Field()
  hasNextPage!: boolean;
  @Field()
  hasPreviousPage!: boolean;
  @Field(() => String, { nullable: true })
  startCursor!: string | null;
  @Field(() => String, { nullable: true })
  endCursor!: string | null;
}

@ArgsType()
export class ConnectionArgs {
  @Field(() => Int, { nullable: true, defaultValue: 50 })
  first!: number | null;
  @Field(() => String, { nullable: true })
  after?: string | null;
}

export interface ConnectionOf<T> {
  edges: { cursor: string; node: T }[];
  pageInfo: PageInfoType;
}

/** The classes `<name>Connection` and `<name>Edge` of a node type; call it once per type. */
export function connectionType<T extends object>(name: string, node: ClassType<T>): ClassType<ConnectionOf<T>> {
  @ObjectType(`${name}Edge`)
  class Edge {
    @Field()
    cursor!: string;
    @Field(() => node)
    node!: T;
  }
  @ObjectType(`${name}Connection`)
  class Connection implements ConnectionOf<T> {
    @Field(() => [Edge])
    edges!: Edge[];
    @Field(() => PageInfoType)
    pageInfo!: PageInfoType;
  }
  return Connection;
}

export function toPageRequest(args: ConnectionArgs, direction?: 'ASC' | 'DESC'): PageRequest {
  return {
    first: args.first ?? 50,
    ...(args.after === undefined || args.after === null ? {} : { after: args.after }),
    ...(direction === undefined ? {} : { direction }),
  };
}

export function presentPage<A, B>(
  args: { readonly after?: string | null },
  page: Page<A>,
  present: (item: A) => B,
): ConnectionOf<B> {
  const edges = page.items.map(({ cursor, item }) => ({ cursor, node: present(item) }));
  return {
    edges,
    pageInfo: {
      hasNextPage: page.hasNextPage,
      hasPreviousPage: args.after !== undefined && args.after !== null,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}
