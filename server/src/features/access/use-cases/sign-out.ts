import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';

/** Ends the session that the call came with. Throws IllegalState for an API token: that one is revoked. */
export async function signOut(ctx: Context): Promise<void> {
  const { principal } = ctx;
  if (principal.kind !== 'user')
    throw new HoldfastError({ kind: 'Unauthenticated', code: 'NOT_SIGNED_IN', message: 'Sign in first.' });
  const { sessionId } = principal;
  if (sessionId === undefined) {
    throw new HoldfastError({
      kind: 'IllegalState',
      code: 'NOT_A_SESSION',
      message: 'An API token does not sign out; revoke it instead.',
    });
  }
  await ctx.unitOfWork.run(async (stores, transaction) => {
    await stores.sessions.remove(sessionId);
    await stores.audit.append(ctx, {
      action: 'signOut',
      outcome: 'SUCCEEDED',
      target: { type: 'User', id: principal.userId },
    });
    transaction.afterCommit(() => ctx.services.access.sessionEnds.ended(sessionId));
  });
}
