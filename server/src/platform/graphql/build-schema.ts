import 'reflect-metadata';
import type { Clock, Timers } from '@holdfast/core/clock';
import type { GraphQLSchema } from 'graphql';
import { buildSchema, type MiddlewareFn, type PubSub } from 'type-graphql';
import type { PayloadSeal } from '../idempotency/payload-seal.js';
import type { GraphqlContext } from './graphql-context.js';
import { NodeResolver } from './node.resolver.js';
import { handleOnce } from './once.middleware.js';
import { paceMutations } from './pace.middleware.js';
import { RESOLVERS } from './resolvers.js';
import { nameRoots } from './root-names.js';
import { limitTime } from './timeout.middleware.js';

export interface SchemaPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly seal: PayloadSeal;
}

/** The executable schema of all features. */
export async function buildHoldfastSchema(ports: SchemaPorts): Promise<GraphQLSchema> {
  const schema = await buildSchema({
    resolvers: [NodeResolver, ...RESOLVERS],
    globalMiddlewares: [nameOperation, limitTime(ports.timers), paceMutations(ports.clock), handleOnce(ports.seal)],
    // Use cases check their input, for every door.
    validate: false,
    // Apollo checks the schema that it is given.
    skipCheck: true,
    pubSub: NO_TOPICS,
  });
  return nameRoots(schema);
}

/** Tells use cases which of the request's root fields they serve. */
const nameOperation: MiddlewareFn<GraphqlContext> = (data, next) => {
  if (data.info.path.prev === undefined) data.context = { ...data.context, operation: data.info.fieldName };
  return next();
};

/** Live updates come from `subscribe:` functions, never from topics. */
const NO_TOPICS: PubSub = {
  publish() {
    throw new Error('no topics');
  },
  subscribe() {
    throw new Error('no topics');
  },
};
