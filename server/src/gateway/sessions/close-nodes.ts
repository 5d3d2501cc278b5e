import { PackKind } from '@holdfast/core/engine';
import type { Copy } from '../chunk-index/chunk-index.js';
import { CLOSED, hasTrustedEdges, stands } from '../chunk-index/copy-state.js';
import { settleUpwards } from '../chunk-index/settle-upwards.js';
import type { Session } from './session.js';

const ID_BYTES = 32;

/**
 * Closes the nodes of which every edge is in the session's set, and every node among the edges is
 * closed itself. So nothing below a closed node is missing, and nothing below it was merely guessed.
 * What stays open is returned, in order. Durable when it returns.
 */
export function closeNodes(session: Session, nodes: readonly number[]): number[] {
  const { index } = session.vault;
  const open = nodes.filter((node) => !hasTrustedEdges(index.currentState(node)));
  const sound = open.filter((node) => stands(index.currentState(node)));
  const closed = settleUpwards(index, sound, (copy) => mayBeReferredTo(session, copy));
  index.changeState(closed, { set: CLOSED });
  const done = new Set(closed);
  return open.filter((node) => !done.has(node));
}

/** Something in this session's set that a point may reach. */
export function mayBeReferredTo(session: Session, copy: Copy): boolean {
  if (!session.known.has(copy.number) || !stands(copy.state)) return false;
  const pack = session.vault.index.packByNumber(copy.pack);
  return pack.kind === PackKind.PACK_KIND_DATA || hasTrustedEdges(copy.state);
}

/** Ids below these open nodes that the session's set lacks, each once, at most `limit` of them. */
export function missingBelow(session: Session, openNodes: readonly number[], limit: number): Buffer[] {
  const { index } = session.vault;
  const missing = new Map<string, Buffer>();
  const isThere = (copy: Copy): number => (session.known.has(copy.number) && stands(copy.state) ? 1 : 0);
  for (const node of openNodes) {
    const edges = index.edgesOf(node);
    index.lookup(edges, isThere).forEach((copies, place) => {
      if (copies.length > 0) return;
      const id = edges.subarray(place * ID_BYTES, (place + 1) * ID_BYTES);
      missing.set(id.toString('latin1'), id);
    });
    if (missing.size >= limit) break;
  }
  return [...missing.values()].slice(0, limit);
}
