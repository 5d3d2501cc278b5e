import type { Context } from '../../../platform/context.js';
import { authorizeAnywhere } from '../../access/authorize.js';
import type { Region } from '../ports.js';

export async function getRegion(ctx: Context, id: string): Promise<Region | undefined> {
  return ctx.unitOfWork.run(async (stores) => {
    await authorizeAnywhere(ctx, stores, 'region.read');
    return stores.regions.get(id);
  });
}
