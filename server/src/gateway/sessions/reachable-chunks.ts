/**
 * What a restore may read: its root, and whatever is an edge of a node that it was served. Only edges of closed or
 * verified nodes are followed: those of any other copy are only what somebody said.
 */

import { PackKind } from '@holdfast/core/engine';
import type { Copy, Pack, StoredFrame } from '../chunk-index/chunk-index.js';
import { CopySet } from '../chunk-index/copy-set.js';
import { hasTrustedEdges } from '../chunk-index/copy-state.js';
import { type Readable, worthReading } from '../vault-stores/frame-plan.js';
import type { Session } from './session.js';

const ID_BYTES = 32;
const NO_PACKS: ReadonlySet<string> = new Set();

/** The session's root, where its reading starts. */
export function allowRoot(session: Session): void {
  if (session.grant.root) allow(session, session.grant.root);
}

/**
 * An agent that goes on under a new session, because its connection or this process was lost, asks for
 * chunks whose nodes an earlier session served. Once per session the whole of the point is walked:
 * that allows nothing which serving node by node would not.
 */
export async function allowAllBelowRoot(session: Session): Promise<void> {
  const { root } = session.grant;
  if (root === undefined) return;
  session.wholeWalk ??= walkAll(session, root);
  await session.wholeWalk;
}

async function walkAll(session: Session, root: Buffer): Promise<void> {
  const { index } = session.vault;
  const seen = new CopySet();
  const stack = [root];
  const turn = session.turn();
  for (let ids = stack.pop(); ids !== undefined; ids = stack.pop()) {
    await turn.pass();
    session.assertOpen();
    for (const copies of copiesToAllow(session, ids)) {
      for (const copy of copies) {
        session.allowed.add(copy.number);
        if (seen.has(copy.number) || !hasTrustedEdges(copy.state)) continue;
        seen.add(copy.number);
        const edges = index.edgesOf(copy.number);
        if (edges.length > 0) stack.push(edges);
      }
    }
  }
}

/** Follows the edges of every allowed node in a frame that is being sent, also of those that become allowed by this. */
export function allowBelow(session: Session, pack: Pack, frame: StoredFrame): void {
  if (pack.kind !== PackKind.PACK_KIND_NODE) return;
  const { index } = session.vault;
  const count = frame.chunkIds.length / ID_BYTES;
  for (let changed = true; changed; ) {
    changed = false;
    for (let copy = frame.firstCopy; copy < frame.firstCopy + count; copy++) {
      if (!session.allowed.has(copy) || session.expanded.has(copy) || !hasTrustedEdges(index.currentState(copy)))
        continue;
      session.expanded.add(copy);
      allow(session, index.edgesOf(copy));
      changed = true;
    }
  }
}

/** The copies that the session may take, of its domain and in none of these packs. */
export function readableBy({ domainId, grant }: Session, avoidPacks = NO_PACKS): Readable {
  return { domainId, avoidPacks, preferredUploaderId: grant.sourceAgentId };
}

function allow(session: Session, ids: Buffer): void {
  for (const copies of copiesToAllow(session, ids)) for (const copy of copies) session.allowed.add(copy.number);
}

/** A chunk none of whose copies can be read any more is allowed like others: it is damaged then, not forbidden. */
function copiesToAllow(session: Session, ids: Buffer): Copy[][] {
  const { index } = session.vault;
  const readable = readableBy(session);
  return index.lookup(ids, (copy) => 1 + worthReading(index, readable, copy));
}
