import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';

export interface PasswordReset {
  readonly sessionsEnded: number;
  readonly tokensRevoked: number;
}

/**
 * For the local command alone, whose right is that it can read the server's data. Whoever had the old password had what
 * it opens: the user's sessions end, and their API tokens are revoked. Throws NotFound.
 */
export async function resetPassword(
  ctx: Pick<Context, 'unitOfWork' | 'principal' | 'clock'>,
  input: { readonly name: string; readonly passwordHash: string },
): Promise<PasswordReset> {
  return ctx.unitOfWork.run(async (stores) => {
    const user = await stores.users.findByName(input.name);
    if (user === undefined)
      throw new HoldfastError({ kind: 'NotFound', code: 'NO_SUCH_USER', message: `There is no user "${input.name}".` });
    await stores.users.setPasswordHash(user.id, input.passwordHash);
    const sessionsEnded = await stores.sessions.removeOfUser(user.id);
    const tokensRevoked = await stores.apiTokens.revokeOfUser(user.id, ctx.clock.now());
    await stores.audit.append(ctx, {
      action: 'resetPassword',
      outcome: 'SUCCEEDED',
      target: { type: 'User', id: user.id },
      reason: `SESSIONS_ENDED ${sessionsEnded} TOKENS_REVOKED ${tokensRevoked}`,
    });
    return { sessionsEnded, tokensRevoked };
  });
}
