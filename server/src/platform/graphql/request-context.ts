import type { Authenticated } from '../../features/access/use-cases/authenticate.js';
import type { Context } from '../context.js';
import type { GraphqlContext, RequestSession } from './graphql-context.js';
import { Loaders } from './loaders.js';

/** What every context of this process shares. */
export type BaseContext = Omit<Context, 'principal' | 'address'>;

export function graphqlContext(
  base: BaseContext,
  who: Authenticated,
  address: string | undefined,
  reply: Pick<RequestSession, 'setToken' | 'clearToken'>,
): GraphqlContext {
  return {
    ...base,
    principal: who.principal,
    ...(address === undefined ? {} : { address }),
    loaders: new Loaders(base.unitOfWork),
    session: { ...reply, ...(who.expiresAt === undefined ? {} : { expiresAt: who.expiresAt }) },
  };
}
