import type { Context } from '../../../platform/context.js';
import { takeFromHolder } from './take-from-holder.js';

const AT_ONCE = 20;

/** Takes jobs from holders that stopped answering. True: there may be more. */
export async function expireLeases(ctx: Context): Promise<boolean> {
  return ctx.unitOfWork.run(async (stores, transaction) => {
    const expired = await stores.jobs.lockExpired(ctx.clock.now(), AT_ONCE);
    for (const job of expired) await takeFromHolder(ctx, stores, transaction, job);
    return expired.length === AT_ONCE;
  });
}
