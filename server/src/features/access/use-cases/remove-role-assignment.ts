import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import { authorize } from '../authorize.js';
import type { RoleAssignment } from '../ports.js';
import { describeAssignment } from './assign-role.js';

/**
 * Takes a role in a scope that the caller owns away from a user; what the user does from then on is decided without it, also
 * with sessions and tokens that are open. Answers what was removed. Throws NotFound, Forbidden, and IllegalState for the
 * last Owner of the whole server: nobody could give that role again.
 */
export async function removeRoleAssignment(
  ctx: Context,
  input: { readonly roleAssignmentId: string },
): Promise<RoleAssignment> {
  return ctx.unitOfWork.run(async (stores) => {
    const found = await stores.roleAssignments.get(input.roleAssignmentId);
    if (found === undefined)
      throw new HoldfastError({
        kind: 'NotFound',
        code: 'NOT_FOUND',
        message: 'There is no such thing, or you may not see it.',
      });
    await authorize(ctx, stores, 'access.manage', found.scope);
    const ownsServer = found.role === 'OWNER' && found.scope.subscriptionId === undefined;
    // Two Owners who remove each other at once read what the other deletes: one of the transactions is run again.
    if (ownsServer && !(await stores.roleAssignments.hasOtherServerOwner(found.id)))
      throw new HoldfastError({
        kind: 'IllegalState',
        code: 'LAST_OWNER',
        message: 'This is the last Owner of the whole server: make another one first.',
      });
    await stores.roleAssignments.remove(found.id);
    await stores.audit.append(ctx, {
      action: 'removeRoleAssignment',
      outcome: 'SUCCEEDED',
      target: { type: 'RoleAssignment', id: found.id },
      reason: describeAssignment(found),
    });
    return found;
  });
}
