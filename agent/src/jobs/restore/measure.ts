import type { JobRun } from '../job-run.js';
import type { RestoreItem } from './tree-walk.js';

/** Above this, finding out beforehand takes longer than it is worth. */
const MOST_ENTRIES = 50_000;

/** Passes a walk on and counts what it comes to, as the restore will count it; the run expects that once the walk is over. */
export async function* measure(
  walk: AsyncIterable<readonly RestoreItem[]>,
  run: Pick<JobRun, 'expectedBytes' | 'expectedEntries'>,
): AsyncGenerator<readonly RestoreItem[], void, void> {
  let bytes = 0;
  let entries = 0;
  for await (const items of walk) {
    for (const item of items) {
      if (item.kind === 'enter' || item.kind === 'file' || item.kind === 'special') entries += 1;
      if (item.kind === 'file') bytes += item.entry.size;
    }
    yield items;
  }
  run.expectedBytes = bytes;
  run.expectedEntries = entries;
}

/** Goes through a walk for no other reason; gives up on a very large one. */
export async function measureAhead(
  walk: AsyncIterable<readonly RestoreItem[]>,
  run: Pick<JobRun, 'expectedBytes' | 'expectedEntries'>,
): Promise<void> {
  let seen = 0;
  for await (const items of measure(walk, run)) {
    seen += items.length;
    if (seen >= MOST_ENTRIES) return;
  }
}
