import type { FetchNode, TreeEntry } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';

const DEEPEST = 6;

/** A directory's entries behind a name, in ascending order. Parts that end before the name are not even fetched. */
export async function* entriesAfter(
  id: Buffer,
  after: Uint8Array | undefined,
  fetchNode: FetchNode,
  depth = 0,
): AsyncGenerator<TreeEntry> {
  const node = await fetchNode(id);
  if (node.type === 'directory') {
    for (const entry of node.entries) if (!after || Buffer.compare(entry.name, after) > 0) yield entry;
    return;
  }
  if (node.type !== 'directory-index' || depth >= DEEPEST)
    throw new HoldfastError({
      kind: 'Integrity',
      code: 'MALFORMED_TREE',
      message: 'A directory of the recovery point does not fit together.',
    });
  for (const [index, part] of node.parts.entries()) {
    const next = node.parts[index + 1];
    if (after && next && Buffer.compare(next.firstName, after) <= 0) continue;
    yield* entriesAfter(part.id, after, fetchNode, depth + 1);
  }
}
