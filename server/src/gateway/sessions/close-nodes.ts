import { PackKind } from '@holdfast/core/engine';
import type { Copy } from '../chunk-index/chunk-index.js';
import { CLOSED, hasTrustedEdges, stands } from '../chunk-index/copy-state.js';
import { settleUpwards } from '../chunk-index/settle-upwards.js';
import type { Turn } from '../turn.js';
import type { Session } from './session.js';

const ID_BYTES = 32;

/**
 * Closes the nodes of which every edge is in the session's set, and every node among the edges is
 * closed itself. So nothing below a closed node is missing, and nothing below it was merely guessed.
 * Durable when it resolves; those that stay open are left among the session's open nodes.
 */
export async function closeNodes(session: Session, nodes: readonly number[], turn: Turn): Promise<void> {
  const { index } = session.vault;
  const sound: number[] = [];
  for (const node of nodes) {
    await turn.pass();
    const state = index.currentState(node);
    if (hasTrustedEdges(state)) session.openNodes.delete(node);
    else if (stands(state)) sound.push(node);
  }
  const closed = await settleUpwards(index, sound, (copy) => mayBeReferredTo(session, copy), turn);
  session.assertOpen();
  index.changeState(closed, { set: CLOSED });
  for (const node of closed) session.openNodes.delete(node);
}

/** Looks at all open nodes of the session anew. */
export async function closeOpenNodes(session: Session, turn: Turn): Promise<void> {
  await closeNodes(session, session.openNodes.all(), turn);
  session.openNodes.looked();
}

/** Something in this session's set that a point may reach. */
export function mayBeReferredTo(session: Session, copy: Copy): boolean {
  if (!session.known.has(copy.number) || !stands(copy.state)) return false;
  const pack = session.vault.index.packByNumber(copy.pack);
  return pack.kind === PackKind.PACK_KIND_DATA || hasTrustedEdges(copy.state);
}

/** Ids below the session's open nodes that its set lacks, each once, at most `limit` of them; no more is looked at than that takes. */
export async function missingBelow(session: Session, limit: number, turn: Turn): Promise<Buffer[]> {
  const { index } = session.vault;
  const missing = new Map<string, Buffer>();
  const isThere = (copy: Copy): number => (session.known.has(copy.number) && stands(copy.state) ? 1 : 0);
  for (const node of session.openNodes.all()) {
    await turn.pass();
    const edges = index.edgesOf(node);
    index.lookup(edges, isThere).forEach((copies, place) => {
      if (copies.length > 0) return;
      const id = edges.subarray(place * ID_BYTES, (place + 1) * ID_BYTES);
      missing.set(id.toString('latin1'), id);
    });
    if (missing.size >= limit) break;
  }
  session.assertOpen();
  return [...missing.values()].slice(0, limit);
}
