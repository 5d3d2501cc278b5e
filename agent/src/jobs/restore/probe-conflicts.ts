import { ConflictProbe } from '../../workloads/files/restore-conflict.js';
import type { RestoreItem } from './tree-walk.js';

/** Goes through a restore under FAIL without writing. Throws `RestoreConflictError` when something stands in the way. */
export async function probeConflicts(items: AsyncIterable<RestoreItem>, target: Buffer): Promise<void> {
  const root = ConflictProbe.open(target);
  // Undefined: nothing is there, and so nothing below it.
  const stack: (ConflictProbe | undefined)[] = [root];
  try {
    for await (const item of items) {
      const here = stack.at(-1);
      if (item.kind === 'enter') stack.push(here?.directory(item.entry));
      else if (item.kind === 'leave') stack.pop()?.close();
      else if (item.kind === 'file' || item.kind === 'special') here?.check(item.entry);
    }
  } finally {
    for (const probe of stack) probe?.close();
  }
}
