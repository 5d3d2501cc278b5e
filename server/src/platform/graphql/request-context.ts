import type { Principal } from '../../features/access/domain/principal.js';
import type { Authenticated } from '../../features/access/use-cases/authenticate.js';
import type { Context, UnitsOfWork } from '../context.js';
import type { GraphqlContext, RequestSession } from './graphql-context.js';
import { Loaders } from './loaders.js';

/** What every context of this process shares. */
export interface BaseContext extends Omit<Context, 'principal' | 'address' | 'unitOfWork'> {
  readonly unitsOfWork: UnitsOfWork;
}

/** For asking who somebody is: in the line of whom it was when they last proved it. */
export function callerContext(
  { clock, unitsOfWork }: BaseContext,
  principal: Principal,
  address: string | undefined,
): Pick<Context, 'clock' | 'unitOfWork'> {
  return { clock, unitOfWork: unitsOfWork.of(principal, address) };
}

export function graphqlContext(
  { unitsOfWork, ...base }: BaseContext,
  who: Authenticated,
  address: string | undefined,
  reply: Pick<RequestSession, 'setToken' | 'clearToken'>,
): GraphqlContext {
  const unitOfWork = unitsOfWork.of(who.principal, address);
  return {
    ...base,
    unitOfWork,
    principal: who.principal,
    ...(address === undefined ? {} : { address }),
    loaders: new Loaders(unitOfWork),
    session: { ...reply, ...(who.expiresAt === undefined ? {} : { expiresAt: who.expiresAt }) },
  };
}
