import type { FetchNode, TreeEntry } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';

const DEEPEST = 6;

/** The names that a part of a directory may have: what it starts with, and what it ends before. */
interface Bounds {
  readonly firstName?: Buffer;
  readonly before?: Buffer | undefined;
}

/**
 * A directory's entries behind a name, in ascending order. Parts that end before the name are not even fetched. Each part must
 * have what the index says of it: else one that somebody made to harm could lead through the same nodes for ever, without an
 * entry to stop at.
 */
export async function* entriesAfter(
  id: Buffer,
  after: Uint8Array | undefined,
  fetchNode: FetchNode,
  depth = 0,
  bounds: Bounds = {},
): AsyncGenerator<TreeEntry> {
  const node = await fetchNode(id);
  if (node.type === 'directory') {
    requireWithin(
      node.entries.map(({ name }) => name),
      bounds,
    );
    for (const entry of node.entries) if (!after || Buffer.compare(entry.name, after) > 0) yield entry;
    return;
  }
  if (node.type !== 'directory-index' || depth >= DEEPEST) throw malformed();
  requireWithin(
    node.parts.map(({ firstName }) => firstName),
    bounds,
  );
  for (const [index, part] of node.parts.entries()) {
    const before = node.parts[index + 1]?.firstName ?? bounds.before;
    if (after && before && Buffer.compare(before, after) <= 0) continue;
    yield* entriesAfter(part.id, after, fetchNode, depth + 1, { firstName: part.firstName, before });
  }
}

function requireWithin(names: readonly Buffer[], { firstName, before }: Bounds): void {
  const [first] = names;
  const last = names.at(-1);
  if (firstName !== undefined && first?.equals(firstName) !== true) throw malformed();
  if (before !== undefined && last !== undefined && Buffer.compare(last, before) >= 0) throw malformed();
}

function malformed(): HoldfastError {
  return new HoldfastError({
    kind: 'Integrity',
    code: 'MALFORMED_TREE',
    message: 'A directory of the recovery point does not fit together.',
  });
}
