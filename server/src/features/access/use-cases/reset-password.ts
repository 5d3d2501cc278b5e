import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';

/** For the local command alone, whose right is that it can read the server's data. Ends the user's sessions. Throws NotFound. */
export async function resetPassword(
  ctx: Pick<Context, 'unitOfWork' | 'principal'>,
  input: { readonly name: string; readonly passwordHash: string },
): Promise<void> {
  await ctx.unitOfWork.run(async (stores) => {
    const user = await stores.users.findByName(input.name);
    if (user === undefined)
      throw new HoldfastError({ kind: 'NotFound', code: 'NO_SUCH_USER', message: `There is no user "${input.name}".` });
    await stores.users.setPasswordHash(user.id, input.passwordHash);
    await stores.sessions.removeOfUser(user.id);
    await stores.audit.append(ctx, {
      action: 'resetPassword',
      outcome: 'SUCCEEDED',
      target: { type: 'User', id: user.id },
    });
  });
}
