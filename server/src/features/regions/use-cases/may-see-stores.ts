import type { Context } from '../../../platform/context.js';
import { isAllowed } from '../../access/authorize.js';
import { SERVER } from '../../access/domain/scope.js';
import type { Stores } from '../../stores.js';

/** Paths on the server tell how it is laid out: they are for those who may choose them. */
export function maySeeStores(ctx: Context, stores: Stores): Promise<boolean> {
  return isAllowed(ctx, stores, 'region.create', SERVER);
}
