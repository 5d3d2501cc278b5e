import { idOfClaim } from '@holdfast/core/engine';
import type { Copy } from '../chunk-index/chunk-index.js';
import { stands } from '../chunk-index/copy-state.js';
import type { GatewayLimits } from '../limits.js';
import { Turn } from '../turn.js';
import { closeNodes } from './close-nodes.js';
import { countsFor, isLeftOpen, mayComeToCount } from './existence.js';
import { invalid } from './refusals.js';
import type { Session } from './session.js';

const CLAIM_BYTES = 32;
/** Looked up in one go: with a cold file on a slow disk each may wait for it. */
const CLAIMS_PER_TURN = 256;

/**
 * Which of these claims name chunks that the session may refer to; each yes is remembered for the
 * commit. Nodes that this agent left open, because the session that it sent them in was lost, are closed
 * as at a commit, now that what lies below them was claimed; otherwise it would have to read all of that
 * again to send them anew. Copies of other agents that nobody verified yet are verified first.
 * Returns one bit per claim, least significant first.
 */
export async function hasChunks(session: Session, claims: Buffer, limits: GatewayLimits): Promise<Buffer> {
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
    const present = Buffer.alloc(Math.ceil(count / 8));
    const answer = (place: number, copies: readonly Copy[]): boolean => {
      let yes = false;
      for (const copy of copies) {
        if (!(session.known.has(copy.number) && stands(copy.state)) && !countsFor(session, copy)) continue;
        session.known.add(copy.number);
        yes = true;
      }
      if (yes) present[place >>> 3] = (present[place >>> 3] ?? 0) | (1 << (place & 7));
      return yes;
    };

    const left: { place: number; id: Buffer; nodes: number[] }[] = [];
    const unsure: { place: number; id: Buffer; candidates: Copy[] }[] = [];
    const turn = new Turn(session.clock);
    for (let from = 0; from < count; from += CLAIMS_PER_TURN) {
      const ids = idsOfClaims(claims.subarray(from * CLAIM_BYTES, (from + CLAIMS_PER_TURN) * CLAIM_BYTES));
      session.vault.index.lookup(ids).forEach((copies, place) => {
        if (answer(from + place, copies)) return;
        const asked = { place: from + place, id: ids.subarray(place * CLAIM_BYTES, (place + 1) * CLAIM_BYTES) };
        const nodes = copies.filter((copy) => isLeftOpen(session, copy)).map(({ number }) => number);
        if (nodes.length > 0) left.push({ ...asked, nodes });
        const candidates = copies.filter((copy) => mayComeToCount(session, copy));
        if (candidates.length > 0) unsure.push({ ...asked, candidates });
      });
      await turn.pass();
      session.assertOpen();
    }
    if (left.length > 0) {
      closeNodes(
        session,
        left.flatMap(({ nodes }) => nodes),
      );
      for (const { place, id } of left) answer(place, session.vault.index.lookup(id)[0] ?? []);
    }
    if (unsure.length === 0) return present;

    await session.vault.verification.verifyCopies(
      unsure.flatMap(({ candidates }) => candidates),
      session.domainId,
    );
    session.assertOpen();
    for (const { place, id } of unsure) answer(place, session.vault.index.lookup(id)[0] ?? []);
    return present;
  } finally {
    leave();
  }
}

/** id = SHA-256(h): the id, which anybody may read in a footer, does not give the claim away. */
export function idsOfClaims(claims: Buffer): Buffer {
  const ids = Buffer.allocUnsafe(claims.length);
  for (let at = 0; at < claims.length; at += CLAIM_BYTES) {
    ids.set(idOfClaim(claims.subarray(at, at + CLAIM_BYTES)), at);
  }
  return ids;
}
