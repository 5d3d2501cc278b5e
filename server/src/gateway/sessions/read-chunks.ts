/**
 * Reading for a restore. A session may read its root, and whatever is an edge of a node that it was
 * served; anything else is refused, so that a job for one point opens nothing of another. Only edges
 * of closed or verified nodes are followed: those of any other copy are only what somebody said.
 */

import { encodeFrameEntry, frameDigest, PackKind } from '@holdfast/core/engine';
import { isHoldfastError } from '@holdfast/core/errors';
import type { Log } from '../../platform/telemetry/log.js';
import type { Copy, Pack, StoredFrame } from '../chunk-index/chunk-index.js';
import { CopySet } from '../chunk-index/copy-set.js';
import { hasTrustedEdges, stands } from '../chunk-index/copy-state.js';
import type { Coordination, FrameKeyQuestion } from '../coordination/coordination.js';
import { distinctIds } from '../distinct-ids.js';
import type { GatewayLimits } from '../limits.js';
import { type ChunkToRead, chunksToRead, type PlannedFrame, worthReading } from '../vault-stores/frame-plan.js';
import { checkCopies, readFrames } from '../vault-stores/read-frames.js';
import { forbidden, invalid } from './refusals.js';
import type { Session } from './session.js';

const ID_BYTES = 32;
const KEYS_PER_QUESTION = 1_024;

const NO_PACKS: ReadonlySet<string> = new Set();

export interface ReadPorts {
  readonly coordination: Pick<Coordination, 'releaseFrameKeys' | 'cutFrame'>;
  readonly limits: GatewayLimits;
  readonly log: Log;
}

export type ReadPart =
  | {
      readonly kind: 'frame';
      readonly pack: Pack;
      /** FrameEntry, encoded. */
      readonly entry: Buffer;
      readonly sealedFrameKey: Buffer;
      /** The frame's stored bytes, whole. */
      readonly bytes: Buffer;
    }
  | { readonly kind: 'damaged'; readonly chunkIds: Buffer; readonly reason: string };

export async function* readChunks(
  ports: ReadPorts,
  session: Session,
  chunkIds: Buffer,
  avoidPacks: readonly string[],
): AsyncGenerator<ReadPart> {
  session.requireKind('restore');
  if (chunkIds.length % ID_BYTES !== 0 || chunkIds.length > ports.limits.maxChunksPerRead * ID_BYTES) {
    throw invalid(
      'MALFORMED_CHUNK_IDS',
      `A read takes up to ${ports.limits.maxChunksPerRead} chunk ids of ${ID_BYTES} bytes.`,
    );
  }
  const leave = session.enter('read', ports.limits.maxReadsPerSession);
  try {
    await session.turn().pass();
    session.assertOpen();
    const { ids } = distinctIds(chunkIds);
    const chunks = await permitted(session, ids, new Set(avoidPacks));
    if (avoidPacks.length > 0) {
      const turn = session.turn();
      await checkCopies(session.vault, copiesIn(session, ids, new Set(avoidPacks)), ports.log, async () => {
        await turn.pass();
        session.assertOpen();
      });
    }
    const keys = new Map<number, { entry: Buffer; sealed: Buffer }>();
    const askKeys = async (frames: readonly PlannedFrame[]): Promise<void> => {
      const whole: PlannedFrame[] = [];
      const turn = session.turn();
      for (const planned of frames) {
        await turn.pass();
        if (await mayHaveWhole(session, planned)) whole.push(planned);
      }
      for (let from = 0; from < whole.length; from += KEYS_PER_QUESTION) {
        const asked = whole.slice(from, from + KEYS_PER_QUESTION).map((planned) => keyQuestion(session, planned));
        const sealed = await ports.coordination.releaseFrameKeys(
          session.job,
          asked.map(({ question }) => question),
        );
        for (const [place, { firstCopy, entry }] of asked.entries())
          keys.set(firstCopy, { entry, sealed: sealed[place] as Buffer });
      }
    };
    const readerChecks = ({ frame }: PlannedFrame): boolean => keys.has(frame.firstCopy);
    for await (const result of readFrames(session.vault, chunks, ports.log, { onPlan: askKeys, readerChecks })) {
      session.assertOpen();
      if (result.kind === 'damaged') {
        yield { kind: 'damaged', chunkIds: Buffer.concat(result.chunkIds), reason: result.reason };
        continue;
      }
      allowBelow(session, result.pack, result.frame);
      const key = keys.get(result.frame.firstCopy);
      keys.delete(result.frame.firstCopy);
      if (key === undefined) yield await cutOut(ports, session, result, result.bytes);
      else {
        const { pack, bytes } = result;
        yield { kind: 'frame', pack, entry: key.entry, sealedFrameKey: key.sealed, bytes };
      }
    }
  } finally {
    leave();
  }
}

/** The session's root, where its reading starts. */
export function allowRoot(session: Session): void {
  if (session.grant.root) allow(session, session.grant.root);
}

async function permitted(session: Session, chunkIds: Buffer, avoidPacks: ReadonlySet<string>): Promise<ChunkToRead[]> {
  const { index } = session.vault;
  const isAllowed = (copy: Copy): number => (session.allowed.has(copy.number) ? 1 : 0);
  const areAllowed = (): boolean => index.lookup(chunkIds, isAllowed).every((copies) => copies.length > 0);
  if (!areAllowed()) {
    await allowAllBelowRoot(session);
    if (!areAllowed())
      throw forbidden('CHUNK_NOT_REACHABLE', "A chunk was asked for that this restore's point does not lead to.");
  }
  const chunks = chunksToRead(index, chunkIds, { domainId: session.domainId, avoidPacks });
  // Of a chunk with very many copies, others may have been allowed than are read.
  for (const { copies } of chunks) for (const { number } of copies) session.allowed.add(number);
  return chunks;
}

/** What these packs have of the chunks, as far as it counts as sound: the reader says that it is of no use. */
function copiesIn(session: Session, chunkIds: Buffer, packs: ReadonlySet<string>): Copy[] {
  const { index } = session.vault;
  const isMeant = (copy: Copy): number =>
    session.allowed.has(copy.number) && stands(copy.state) && packs.has(index.packByNumber(copy.pack).id) ? 1 : 0;
  return index.lookup(chunkIds, isMeant).flat();
}

/**
 * An agent that goes on under a new session, because its connection or this process was lost, asks for
 * chunks whose nodes an earlier session served. Once per session the whole of the point is walked:
 * that allows nothing which serving node by node would not.
 */
async function allowAllBelowRoot(session: Session): Promise<void> {
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
function allowBelow(session: Session, pack: Pack, frame: StoredFrame): void {
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

function allow(session: Session, ids: Buffer): void {
  for (const copies of copiesToAllow(session, ids)) for (const copy of copies) session.allowed.add(copy.number);
}

/** A chunk none of whose copies can be read any more is allowed like others: it is damaged then, not forbidden. */
function copiesToAllow({ vault: { index }, domainId }: Session, ids: Buffer): Copy[][] {
  const readable = { domainId, avoidPacks: NO_PACKS };
  return index.lookup(ids, (copy) => 1 + worthReading(index, readable, copy));
}

/**
 * A frame goes out with all that lies in it: only what the agent that made the point put together itself, or what lies below the point with
 * every chunk. Of other frames the chunks asked for are cut out.
 */
async function mayHaveWhole(session: Session, { pack, frame }: PlannedFrame): Promise<boolean> {
  const count = frame.chunkIds.length / ID_BYTES;
  if (pack.uploaderId === session.grant.sourceAgentId || count === 1) return true;
  const isBelowRoot = (): boolean => {
    for (let copy = frame.firstCopy; copy < frame.firstCopy + count; copy++)
      if (!session.allowed.has(copy)) return false;
    return true;
  };
  if (isBelowRoot()) return true;
  await allowAllBelowRoot(session);
  return isBelowRoot();
}

async function cutOut(
  { coordination, log }: ReadPorts,
  session: Session,
  { pack, frame, wanted }: PlannedFrame,
  stored: Buffer,
): Promise<ReadPart> {
  const { domainId, sessionKey, kind } = pack;
  const chunkIds = Buffer.concat(wanted.map(({ chunkId }) => chunkId));
  const entry = encodeFrameEntry(session.vault.index.frameEntry(frame, kind));
  try {
    const cut = await coordination.cutFrame(session.job, {
      domainId,
      sessionKey,
      kind,
      frame: entry,
      stored,
      chunkIds,
    });
    return { kind: 'frame', pack, entry: cut.frame, sealedFrameKey: cut.sealedFrameKey, bytes: cut.stored };
  } catch (error) {
    if (!isHoldfastError(error, 'Integrity') && !isHoldfastError(error, 'WrongKey')) throw error;
    log.warn({ vaultId: session.vault.vaultId, packId: pack.id, err: error }, 'frame.not-cut');
    return { kind: 'damaged', chunkIds, reason: error.message };
  }
}

function keyQuestion({ vault: { index } }: Session, { pack, frame }: PlannedFrame) {
  const entry = index.frameEntry(frame, pack.kind);
  const { domainId, sessionKey } = pack;
  const question: FrameKeyQuestion = { domainId, sessionKey, frameDigest: frameDigest(entry) };
  return { firstCopy: frame.firstCopy, entry: encodeFrameEntry(entry), question };
}
