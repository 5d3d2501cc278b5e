import type { GraphqlContext } from '../../../platform/graphql/graphql-context.js';
import type { Job } from '../../jobs/domain/job.js';
import { type ProtectedItemType, presentProtectedItem } from './protected-item.type.js';

/** The item that an object which the caller may see refers to. */
export async function loadProtectedItem(ctx: GraphqlContext, id: string): Promise<ProtectedItemType | null> {
  const item = await ctx.loaders.load('protectedItem', id, (stores, ids) => stores.protectedItems.getMany(ids));
  return item === undefined ? null : presentProtectedItem(item);
}

export async function loadLastBackup(ctx: GraphqlContext, itemId: string): Promise<Job | undefined> {
  const found = await ctx.loaders.load('lastBackup', itemId, async (stores, ids) => {
    const last: { id: string; job: Job }[] = [];
    for (const id of ids) {
      const page = await stores.jobs.list(
        [{}],
        { protectedItemId: id, kind: 'BACKUP' },
        { first: 1, direction: 'DESC' },
      );
      last.push(...page.items.map(({ item }) => ({ id, job: item })));
    }
    return last;
  });
  return found?.job;
}
