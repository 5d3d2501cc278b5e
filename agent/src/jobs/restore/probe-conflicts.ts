import { ConflictProbe } from '../../workloads/files/restore-conflict.js';
import type { RestoreJournal } from '../../workloads/files/restore-journal.js';
import type { RestoreItem } from './tree-walk.js';

/**
 * Goes through a restore under FAIL without writing. Throws `RestoreConflictError` when something stands in the way that no earlier attempt made. False if it
 * did not have to go, for there is nothing at the target.
 */
export async function probeConflicts(
  walk: () => AsyncIterable<readonly RestoreItem[]>,
  target: Buffer,
  journalOf: (opened: Buffer) => RestoreJournal,
): Promise<boolean> {
  const root = ConflictProbe.open(target, journalOf);
  if (root === undefined) return false;
  // Undefined: nothing is there, and so nothing below it.
  const stack: (ConflictProbe | undefined)[] = [root];
  try {
    for await (const items of walk()) {
      for (const item of items) {
        const here = stack.at(-1);
        if (item.kind === 'enter') stack.push(here?.directory(item.entry));
        else if (item.kind === 'leave') stack.pop()?.close();
        else if (item.kind === 'file' || item.kind === 'special') here?.check(item.entry);
      }
    }
    return true;
  } finally {
    for (const probe of stack) probe?.close();
  }
}
