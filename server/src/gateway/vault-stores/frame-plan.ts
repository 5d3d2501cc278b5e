import { PackKind } from '@holdfast/core/engine';
import type { ChunkIndex, Copy, Pack, StoredFrame } from '../chunk-index/chunk-index.js';
import { hasTrustedEdges, isReadable, isVerified, SUSPECT } from '../chunk-index/copy-state.js';

const ID_BYTES = 32;

/** A frame to read, and which of the chunks asked for it stands for. */
export interface PlannedFrame {
  readonly pack: Pack;
  readonly frame: StoredFrame;
  /** Copy numbers inside this frame, each with the chunk that was asked for. */
  readonly wanted: readonly Wanted[];
}

export interface Wanted {
  readonly chunkId: Buffer;
  readonly copy: number;
  /** Other copies, best first, for when this one turns out damaged. */
  readonly others: readonly Copy[];
}

/** Which copies a reader looks for: of one domain or any, and in no pack that was of no use to it before. */
interface Readable {
  readonly domainId: string | undefined;
  readonly avoidPacks: ReadonlySet<string>;
}

/** What a copy is worth to a reader: nothing unless it may be read; verified, then sound, then those found damaged once. */
export function worthReading(index: ChunkIndex, { domainId, avoidPacks }: Readable, copy: Copy): number {
  if (!isReadable(copy.state)) return 0;
  const pack = index.packByNumber(copy.pack);
  if (domainId !== undefined && pack.domainId !== domainId) return 0;
  if (avoidPacks.has(pack.id)) return 0;
  return pack.kind === PackKind.PACK_KIND_DATA || hasTrustedEdges(copy.state) ? 3 - rank(copy) : 0;
}

/** A chunk that was asked for, and copies that may be read for it, best first. */
export interface ChunkToRead {
  readonly chunkId: Buffer;
  readonly copies: readonly Copy[];
}

export function chunksToRead(index: ChunkIndex, chunkIds: Buffer, readable: Readable): ChunkToRead[] {
  return index
    .lookup(chunkIds, (copy) => worthReading(index, readable, copy))
    .map((copies, place) => ({
      chunkId: chunkIds.subarray(place * ID_BYTES, (place + 1) * ID_BYTES),
      copies: copies.sort((a, b) => rank(a) - rank(b) || a.number - b.number),
    }));
}

/**
 * Groups chunks by frame, so that a frame is sent once however many chunks are asked of it, in the
 * order in which they lie in their packs. Among equally good copies one in a frame that is read
 * anyway is taken.
 */
export function planFrames(
  index: ChunkIndex,
  chunks: readonly { chunkId: Buffer; copies: readonly Copy[] }[],
): PlannedFrame[] {
  const planned = new Map<number, PlannedFrame & { readonly wanted: Wanted[] }>();
  for (const { chunkId, copies } of chunks) {
    const [best] = copies;
    if (best === undefined) continue;
    const equals = copies
      .filter((copy) => rank(copy) === rank(best))
      .map((copy) => ({ copy, frame: index.frameOf(copy.number) }));
    const chosen = equals.find(({ frame }) => planned.has(frame.firstCopy)) ?? equals[0];
    if (chosen === undefined) continue;
    let entry = planned.get(chosen.frame.firstCopy);
    if (entry === undefined) {
      entry = { pack: index.packByNumber(chosen.frame.pack), frame: chosen.frame, wanted: [] };
      planned.set(chosen.frame.firstCopy, entry);
    }
    entry.wanted.push({
      chunkId,
      copy: chosen.copy.number,
      others: copies.filter((copy) => copy.number !== chosen.copy.number),
    });
  }
  return [...planned.values()].sort((a, b) => a.frame.firstCopy - b.frame.firstCopy);
}

function rank(copy: Copy): number {
  if ((copy.state & SUSPECT) !== 0) return 2;
  return isVerified(copy.state) ? 0 : 1;
}
