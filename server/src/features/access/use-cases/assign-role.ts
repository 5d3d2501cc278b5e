import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import { authorize } from '../authorize.js';
import type { Role } from '../domain/roles.js';
import type { RoleAssignment } from '../ports.js';
import { noSuchScope, resolveScope, type ScopeInput } from './resolve-scope.js';

/** Gives a user a role in a scope that the caller owns. Giving it twice gives the first one back. */
export async function assignRole(
  ctx: Context,
  input: ScopeInput & { readonly userId: string; readonly role: Role },
): Promise<RoleAssignment> {
  return ctx.unitOfWork.run(async (stores) => {
    const scope = await resolveScope(stores, input);
    if (scope === undefined) throw noSuchScope();
    await authorize(ctx, stores, 'access.manage', scope);
    if ((await stores.users.get(input.userId)) === undefined) {
      throw new HoldfastError({ kind: 'NotFound', code: 'NO_SUCH_USER', message: 'There is no such user.' });
    }
    const same = (await stores.roleAssignments.ofUser(input.userId)).find(
      (each) =>
        each.role === input.role &&
        each.scope.subscriptionId === scope.subscriptionId &&
        each.scope.vaultId === scope.vaultId,
    );
    if (same !== undefined) return same;
    const assignment: RoleAssignment = {
      id: ctx.newId(),
      userId: input.userId,
      role: input.role,
      scope,
      createdAt: ctx.clock.now(),
    };
    await stores.roleAssignments.insert(assignment);
    await stores.audit.append(ctx, {
      action: 'assignRole',
      outcome: 'SUCCEEDED',
      target: { type: 'RoleAssignment', id: assignment.id },
      reason: describeAssignment(assignment),
    });
    return assignment;
  });
}

/** For the audit log, which outlives the assignment. */
export function describeAssignment({ role, userId, scope }: RoleAssignment): string {
  const where =
    scope.vaultId !== undefined
      ? `Vault ${scope.vaultId}`
      : scope.subscriptionId !== undefined
        ? `Subscription ${scope.subscriptionId}`
        : 'Server';
  return `${role} User ${userId} ${where}`;
}
