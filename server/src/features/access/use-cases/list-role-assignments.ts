import type { Context } from '../../../platform/context.js';
import type { Page, PageRequest } from '../../../platform/page.js';
import { authorize } from '../authorize.js';
import type { RoleAssignment } from '../ports.js';
import { noSuchScope, resolveScope, type ScopeInput } from './resolve-scope.js';

/** Assignments inside the filter's scope, for those who may read access there; without one, of the whole server. */
export async function listRoleAssignments(
  ctx: Context,
  filter: ScopeInput & { readonly userId?: string },
  page: PageRequest,
): Promise<Page<RoleAssignment>> {
  return ctx.unitOfWork.run(async (stores) => {
    const scope = await resolveScope(stores, filter);
    if (scope === undefined) throw noSuchScope();
    await authorize(ctx, stores, 'access.read', scope);
    return stores.roleAssignments.list(filter, page);
  });
}
