import type { ItemView } from '../protected-items/item-fragment';

export type ItemHealth = 'failed' | 'warnings' | 'never' | 'running' | 'good' | 'stopped';

/** What the last backup says about an item. A backup that is running tells nothing yet about its end. */
export function healthOf(item: Pick<ItemView, 'protectionState' | 'lastBackup' | 'lastRecoveryPoint'>): ItemHealth {
  if (item.protectionState === 'STOPPED') return 'stopped';
  switch (item.lastBackup?.state) {
    case undefined:
      return 'never';
    case 'FAILED':
      return 'failed';
    case 'COMPLETED_WITH_WARNINGS':
      return 'warnings';
    case 'QUEUED':
    case 'DISPATCHED':
    case 'RUNNING':
      return 'running';
    case 'CANCELLED':
      return item.lastRecoveryPoint ? 'good' : 'never';
    case 'COMPLETED':
      return 'good';
  }
}

export function countBy<Item, Key extends string>(
  items: readonly Item[],
  keyOf: (item: Item) => Key,
): Partial<Record<Key, number>> {
  const counts: Partial<Record<Key, number>> = {};
  for (const item of items) {
    const key = keyOf(item);
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/** Those that are backed up next, soonest first. */
export function nextUp<Item extends Pick<ItemView, 'nextBackupAt'>>(items: readonly Item[], count: number): Item[] {
  return items
    .filter((item) => Boolean(item.nextBackupAt))
    .sort((a, b) => Date.parse(a.nextBackupAt ?? '') - Date.parse(b.nextBackupAt ?? ''))
    .slice(0, count);
}
