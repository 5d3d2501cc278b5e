import { HoldfastError } from '@holdfast/core/errors';
import { SERVER } from '../../access/domain/scope.js';
import type { Stores } from '../../stores.js';

/** Throws IllegalState while one of these points of the item is being restored, or waits to be: it may not be deleted. */
export async function refuseWhileRestored(stores: Stores, itemId: string, pointIds: readonly string[]): Promise<void> {
  const filter = {
    protectedItemId: itemId,
    kind: 'RESTORE',
    states: ['QUEUED', 'DISPATCHED', 'RUNNING'],
  } as const;
  const restores = await stores.jobs.list([SERVER], filter, { first: 200 });
  const wanted = new Set<string | undefined>(pointIds);
  if (restores.items.some(({ item }) => wanted.has(item.recoveryPointId))) {
    throw new HoldfastError({
      kind: 'IllegalState',
      code: 'POINT_IN_USE',
      message: 'The recovery point is being restored; cancel that job first.',
    });
  }
}
