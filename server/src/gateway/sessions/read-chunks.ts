import type { Copy } from '../chunk-index/chunk-index.js';
import { stands } from '../chunk-index/copy-state.js';
import { distinctIds } from '../distinct-ids.js';
import type { GatewayLimits } from '../limits.js';
import { type ChunkToRead, chunksToRead } from '../vault-stores/frame-plan.js';
import { checkCopies, type DamagedChunks, readFrames } from '../vault-stores/read-frames.js';
import { type ComplaintPorts, hearComplaint } from './hear-complaint.js';
import { allowAllBelowRoot, readableBy } from './reachable-chunks.js';
import { forbidden, invalid } from './refusals.js';
import { type ReleasedFrame, ReleasedFrames, type ReleasePorts } from './released-frames.js';
import type { Session } from './session.js';

const ID_BYTES = 32;

export interface ReadPorts extends ReleasePorts, ComplaintPorts {
  readonly limits: GatewayLimits;
}

export type ReadPart = ReleasedFrame | DamagedChunks;

/** Reading for a restore. Anything that its point does not lead to is refused, so that a job for one point opens nothing of another. `over` fires when the session ends or the reader has gone. */
export async function* readChunks(
  ports: ReadPorts,
  session: Session,
  chunkIds: Buffer,
  avoidPacks: readonly string[],
  over: AbortSignal,
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
    over.throwIfAborted();
    const { ids } = distinctIds(chunkIds);
    const chunks = await permitted(session, ids, new Set(avoidPacks));
    if (avoidPacks.length > 0) {
      const turn = session.turn();
      const asStored = await checkCopies(
        session.vault,
        copiesIn(session, ids, new Set(avoidPacks)),
        ports.log,
        async () => {
          await turn.pass();
          over.throwIfAborted();
        },
      );
      hearComplaint(ports, session, asStored);
    }
    const frames = new ReleasedFrames(ports, session, over);
    const parts = readFrames(session.vault, chunks, ports.log, {
      onPlan: (planned) => frames.askKeys(planned),
      readerChecks: (planned) => frames.goesWhole(planned),
      take: (planned, bytes) => frames.take(planned, bytes),
      onUnfit: (planned, failure) => frames.tell(planned, failure),
    });
    for await (const part of parts) {
      over.throwIfAborted();
      yield part;
    }
  } finally {
    leave();
  }
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
  const chunks = chunksToRead(index, chunkIds, readableBy(session, avoidPacks));
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
