import type { Context } from '../../../platform/context.js';
import type { Page, PageRequest } from '../../../platform/page.js';
import { visibleScopes } from '../../access/authorize.js';
import type { ProtectedItem } from '../domain/protected-item.js';
import type { ProtectedItemFilter } from '../ports.js';

export async function listProtectedItems(
  ctx: Context,
  filter: ProtectedItemFilter,
  page: PageRequest,
): Promise<Page<ProtectedItem>> {
  return ctx.unitOfWork.run(async (stores) =>
    stores.protectedItems.list(await visibleScopes(ctx, stores, 'item.read'), filter, page),
  );
}
