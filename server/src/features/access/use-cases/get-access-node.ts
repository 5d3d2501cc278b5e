import type { Context } from '../../../platform/context.js';
import { isAllowed } from '../authorize.js';
import { overlap, SERVER } from '../domain/scope.js';
import type { ApiToken, RoleAssignment, User } from '../ports.js';

/** Oneself, or anyone for those who may read access on the server; undefined otherwise, as if there were none. */
export async function getUser(ctx: Context, id: string): Promise<User | undefined> {
  return ctx.unitOfWork.run(async (stores) => {
    const own = ctx.principal.kind === 'user' && ctx.principal.userId === id;
    return own || (await isAllowed(ctx, stores, 'access.read', SERVER)) ? stores.users.get(id) : undefined;
  });
}

/** One's own, or anyone's for those who may read access in its scope; undefined otherwise, as if there were none. */
export async function getRoleAssignment(ctx: Context, id: string): Promise<RoleAssignment | undefined> {
  return ctx.unitOfWork.run(async (stores) => {
    const found = await stores.roleAssignments.get(id);
    if (found === undefined) return undefined;
    const { principal } = ctx;
    const ceiling = principal.kind === 'user' ? principal.ceiling?.scope : undefined;
    const own =
      principal.kind === 'user' &&
      principal.userId === found.userId &&
      (ceiling === undefined || overlap(ceiling, found.scope));
    return own || (await isAllowed(ctx, stores, 'access.read', found.scope)) ? found : undefined;
  });
}

/** One's own token only: what a token is for is nobody else's business, nor that of another token. */
export async function getApiToken(ctx: Context, id: string): Promise<ApiToken | undefined> {
  const { principal } = ctx;
  if (principal.kind !== 'user') return undefined;
  const found = await ctx.unitOfWork.run((stores) => stores.apiTokens.get(id));
  const own = principal.tokenId === undefined || principal.tokenId === found?.id;
  return own && found?.userId === principal.userId ? found : undefined;
}
