import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import { isAllowed } from '../authorize.js';
import { SERVER } from '../domain/scope.js';

/** One's own token, or anyone's for those who manage access on the server. Revoking twice is no error. Throws NotFound. */
export async function revokeApiToken(ctx: Context, input: { readonly apiTokenId: string }): Promise<void> {
  const { principal } = ctx;
  if (principal.kind !== 'user')
    throw new HoldfastError({ kind: 'Unauthenticated', code: 'NOT_SIGNED_IN', message: 'Sign in first.' });
  await ctx.unitOfWork.run(async (stores, transaction) => {
    const token = await stores.apiTokens.get(input.apiTokenId);
    const own =
      token?.userId === principal.userId && (principal.tokenId === undefined || principal.tokenId === token.id);
    if (token === undefined || !(own || (await isAllowed(ctx, stores, 'access.manage', SERVER)))) {
      throw new HoldfastError({
        kind: 'NotFound',
        code: 'NOT_FOUND',
        message: 'There is no such token, or you may not see it.',
      });
    }
    if (token.revokedAt !== undefined) return;
    await stores.apiTokens.revoke(token.id, ctx.clock.now());
    await stores.audit.append(ctx, {
      action: 'revokeApiToken',
      outcome: 'SUCCEEDED',
      target: { type: 'ApiToken', id: token.id },
    });
    transaction.afterCommit(() => ctx.services.access.sessionEnds.ended(token.id));
  });
}
