import { idOfClaim } from '@holdfast/core/engine';
import type { Copy } from '../chunk-index/chunk-index.js';
import { stands } from '../chunk-index/copy-state.js';
import { distinctIds } from '../distinct-ids.js';
import type { GatewayLimits } from '../limits.js';
import { closeNodes } from './close-nodes.js';
import { countsFor, isLeftOpen, mayComeToCount } from './existence.js';
import { invalid } from './refusals.js';
import type { Session } from './session.js';

const CLAIM_BYTES = 32;
/** Looked up in one go: with a cold file on a slow disk each may wait for it. */
const CLAIMS_PER_TURN = 128;
/** Worth of a copy that exists for the session, of one that may once its nodes are closed, and of one that only verification can make count. */
const COUNTS = 3;
const LEFT_OPEN = 2;
const UNVERIFIED = 1;
/** Edges of nodes left open that are looked at for one question; what lies beyond is answered no. */
const MOST_LEFT_EDGES = 1_000_000;

/**
 * Which of these claims name chunks that the session may refer to; each yes is remembered for the
 * commit. Nodes that this agent left open, because the session that it sent them in was lost, are closed
 * as at a commit, now that what lies below them was claimed; otherwise it would have to read all of that
 * again to send them anew. Copies of other agents that nobody verified yet are verified first, as far as that goes in time.
 * Returns one bit per claim, least significant first. Throws the reason of `gone` once nobody waits for the answer.
 */
export async function hasChunks(
  session: Session,
  claims: Buffer,
  limits: GatewayLimits,
  gone: AbortSignal,
): Promise<Buffer> {
  session.requireKind('backup');
  const count = claims.length / CLAIM_BYTES;
  if (!Number.isInteger(count) || count > limits.maxClaimsPerQuestion) {
    throw invalid(
      'MALFORMED_CLAIMS',
      `A question takes up to ${limits.maxClaimsPerQuestion} claims of ${CLAIM_BYTES} bytes.`,
    );
  }
  const leave = session.enter('question', limits.maxQuestionsPerSession);
  try {
    const { ids: asked, places } = distinctIds(claims);
    const there = await whichExist(session, asked, AbortSignal.any([session.signal, gone]));
    const present = Buffer.alloc(Math.ceil(count / 8));
    for (const [place, own] of places.entries())
      if (there[own] === 1) present[place >>> 3] = (present[place >>> 3] ?? 0) | (1 << (place & 7));
    return present;
  } finally {
    leave();
  }
}

/** For each claim 1 if it names a chunk that exists for the session, and 0 otherwise. */
async function whichExist(session: Session, claims: Buffer, gone: AbortSignal): Promise<Uint8Array> {
  const { index } = session.vault;
  const count = claims.length / CLAIM_BYTES;
  const there = new Uint8Array(count);
  const worth = (copy: Copy): number => worthTo(session, copy);
  const answer = (place: number, copies: readonly Copy[]): boolean => {
    const counting = copies.filter((copy) => worth(copy) === COUNTS);
    for (const copy of counting) session.known.add(copy.number);
    if (counting.length === 0) return false;
    there[place] = 1;
    return true;
  };

  const left: { place: number; id: Buffer }[] = [];
  const leftNodes: number[] = [];
  let leftEdges = 0;
  const unsure: { place: number; id: Buffer; candidates: Copy[] }[] = [];
  const turn = session.turn();
  for (let from = 0; from < count; from += CLAIMS_PER_TURN) {
    await turn.pass();
    gone.throwIfAborted();
    const ids = idsOfClaims(claims.subarray(from * CLAIM_BYTES, (from + CLAIMS_PER_TURN) * CLAIM_BYTES));
    index.lookup(ids, worth).forEach((copies, place) => {
      if (answer(from + place, copies)) return;
      const asked = { place: from + place, id: ids.subarray(place * CLAIM_BYTES, (place + 1) * CLAIM_BYTES) };
      // All copies of an honest node have the same edges.
      const node = copies.find((copy) => worth(copy) === LEFT_OPEN);
      if (node !== undefined && leftEdges < MOST_LEFT_EDGES) {
        leftEdges += index.edgesOf(node.number).length / CLAIM_BYTES;
        leftNodes.push(node.number);
        left.push(asked);
      }
      const candidates = copies.filter((copy) => worth(copy) === UNVERIFIED);
      if (candidates.length > 0) unsure.push({ ...asked, candidates });
    });
  }
  // No is always safe: whoever made this come to nothing for long has to send the nodes again.
  if (left.length > 0 && session.triesAgainInMs === 0) {
    const closing = session.turn();
    await closeNodes(session, leftNodes, closing);
    const closed = left.filter(({ place, id }) => answer(place, index.lookup(id, worth)[0] ?? [])).length;
    session.wasFruitless(closing.spentMs() * (1 - closed / left.length));
  }
  if (unsure.length === 0) return there;

  await session.vault.verification.verifyCopies(
    unsure.flatMap(({ candidates }) => candidates),
    { domainId: session.domainId, askerId: session.agentId },
    gone,
  );
  gone.throwIfAborted();
  for (const { place, id } of unsure) answer(place, index.lookup(id, worth)[0] ?? []);
  return there;
}

function worthTo(session: Session, copy: Copy): number {
  if ((session.known.has(copy.number) && stands(copy.state)) || countsFor(session, copy)) return COUNTS;
  if (isLeftOpen(session, copy)) return LEFT_OPEN;
  return mayComeToCount(session, copy) ? UNVERIFIED : 0;
}

/** id = SHA-256(h): the id, which anybody may read in a footer, does not give the claim away. */
export function idsOfClaims(claims: Buffer): Buffer {
  const ids = Buffer.allocUnsafe(claims.length);
  for (let at = 0; at < claims.length; at += CLAIM_BYTES) {
    ids.set(idOfClaim(claims.subarray(at, at + CLAIM_BYTES)), at);
  }
  return ids;
}
