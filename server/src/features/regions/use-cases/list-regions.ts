import type { Context } from '../../../platform/context.js';
import type { Page, PageRequest } from '../../../platform/page.js';
import { authorizeAnywhere } from '../../access/authorize.js';
import type { Region } from '../ports.js';

/** Regions belong to no subscription: whoever may read them anywhere reads them all. */
export async function listRegions(ctx: Context, page: PageRequest): Promise<Page<Region>> {
  return ctx.unitOfWork.run(async (stores) => {
    await authorizeAnywhere(ctx, stores, 'region.read');
    return stores.regions.list(page);
  });
}
