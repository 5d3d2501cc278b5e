import { HoldfastError } from '@holdfast/core/errors';
import type { PathNotice } from '../job.js';

/**
 * A backup in which no root could be read fails: a point of nothing (a share that is not mounted, a mistyped folder) would
 * pass for a good one. Throws IllegalState with the first root's reason.
 */
export function requireReadableRoot(roots: readonly Buffer[], notices: readonly PathNotice[]): void {
  const troubleOf = (root: Buffer): PathNotice | undefined =>
    notices.find(
      (notice) =>
        (notice.kind === 'VANISHED' || notice.kind === 'UNREADABLE') && Buffer.compare(notice.path, root) === 0,
    );
  const troubles = roots.map(troubleOf);
  const [first] = troubles;
  if (first === undefined || troubles.includes(undefined)) return;
  const others = roots.length > 1 ? ` (and ${roots.length - 1} more)` : '';
  throw new HoldfastError({
    kind: 'IllegalState',
    code: 'NO_ROOT_READABLE',
    message: `Nothing that is to be backed up could be read: ${first.path.toString()}: ${first.message}${others}.`,
  });
}
