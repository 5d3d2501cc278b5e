import type { Context } from '../../../platform/context.js';
import { overlap } from '../domain/scope.js';
import type { RoleAssignment, User } from '../ports.js';

export interface Viewer {
  readonly user: User;
  readonly roleAssignments: readonly RoleAssignment[];
}

/**
 * Who the caller is and what they may do; undefined for whoever is not signed in. A narrowed token is not told of scopes that it
 * reaches nothing in.
 */
export async function getViewer(ctx: Context): Promise<Viewer | undefined> {
  const { principal } = ctx;
  if (principal.kind !== 'user') return undefined;
  return ctx.unitOfWork.run(async (stores) => {
    const user = await stores.users.get(principal.userId);
    if (user === undefined) return undefined;
    const ceiling = principal.ceiling?.scope;
    const all = await stores.roleAssignments.ofUser(user.id);
    return { user, roleAssignments: all.filter(({ scope }) => ceiling === undefined || overlap(ceiling, scope)) };
  });
}
