import type { Context } from '../../../platform/context.js';
import type { RoleAssignment, User } from '../ports.js';

export interface Viewer {
  readonly user: User;
  readonly roleAssignments: readonly RoleAssignment[];
}

/** Who the caller is and what they may do; undefined for whoever is not signed in. */
export async function getViewer(ctx: Context): Promise<Viewer | undefined> {
  const { principal } = ctx;
  if (principal.kind !== 'user') return undefined;
  return ctx.unitOfWork.run(async (stores) => {
    const user = await stores.users.get(principal.userId);
    return user === undefined ? undefined : { user, roleAssignments: await stores.roleAssignments.ofUser(user.id) };
  });
}
