import type { GraphqlContext } from '../../../platform/graphql/graphql-context.js';
import { presentRecoveryPoint, type RecoveryPointType } from './recovery-point.type.js';

/** The point that an object which the caller may see refers to; null for one that was deleted. */
export async function loadRecoveryPoint(ctx: GraphqlContext, id: string): Promise<RecoveryPointType | null> {
  const point = await ctx.loaders.load('recoveryPoint', id, (stores, ids) => stores.recoveryPoints.getMany(ids));
  return point?.state === 'LIVE' ? presentRecoveryPoint(point) : null;
}

export async function loadNewestPoint(ctx: GraphqlContext, itemId: string): Promise<RecoveryPointType | null> {
  const found = await ctx.loaders.load('newestPoint', itemId, async (stores, ids) =>
    (await stores.recoveryPoints.newestLive(ids)).map((point) => ({ id: point.itemId, point })),
  );
  return found === undefined ? null : presentRecoveryPoint(found.point);
}
