import type { NonEmptyArray } from 'type-graphql';
import type { NodeLoader } from './node.js';

/** Every resolver class. Each feature adds its own. */
export const RESOLVERS = [] as unknown as NonEmptyArray<Function>;

/** How `node(id)` finds an object of each type; each calls the use case that authorises. Each feature adds its own. */
export const NODE_LOADERS: readonly NodeLoader[] = [];
