import type { Clock } from '@holdfast/core/clock';
import type { MiddlewareFn } from 'type-graphql';
import { addressGroup } from '../address-group.js';
import { Pace, type PaceLimits, tooFast } from '../pace.js';
import type { GraphqlContext } from './graphql-context.js';

/** A script may set a fleet up in one go; whoever goes on without end adds 7,200 rows an hour and no more. */
export const MUTATIONS: PaceLimits = { burst: 500, perSecond: 2 };

/**
 * Every mutation leaves rows, also one that is refused: so a user may do so many with all sessions, and so many more with all
 * tokens, for a token that leaked must not keep its user from revoking it; and so may each network of those who have not signed
 * in. Throws RateLimited, with the seconds to wait.
 */
export function paceMutations(clock: Clock): MiddlewareFn<GraphqlContext> {
  const users = new Pace(MUTATIONS, clock);
  // Of their own, as strangers can come from so many networks that what is known of users would be forgotten.
  const strangers = new Pace(MUTATIONS, clock);
  return ({ info, context }, next) => {
    if (info.parentType.name !== 'Mutation') return next();
    const { principal, address } = context;
    if (principal.kind === 'user')
      take(users, `${principal.tokenId === undefined ? 'sessions' : 'tokens'} of ${principal.userId}`);
    else if (principal.kind === 'anonymous') take(strangers, address === undefined ? '' : addressGroup(address));
    return next();
  };
}

function take(pace: Pace, key: string): void {
  if (!pace.allows(key)) throw tooFast(pace.roomInMs(key));
}
