import type { Context } from '../../../platform/context.js';
import type { Page, PageRequest } from '../../../platform/page.js';
import { visibleScopes } from '../../access/authorize.js';
import type { Policy } from '../domain/policy.js';
import type { PolicyFilter } from '../ports.js';

export async function listPolicies(ctx: Context, filter: PolicyFilter, page: PageRequest): Promise<Page<Policy>> {
  return ctx.unitOfWork.run(async (stores) =>
    stores.policies.list(await visibleScopes(ctx, stores, 'policy.read'), filter, page),
  );
}
