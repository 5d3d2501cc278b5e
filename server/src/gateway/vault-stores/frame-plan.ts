import { PackKind } from '@holdfast/core/engine';
import type { ChunkIndex, Copy, Pack, StoredFrame } from '../chunk-index/chunk-index.js';
import { hasTrustedEdges, isReadable, isVerified, SUSPECT } from '../chunk-index/copy-state.js';

/** A frame to read, and which of the chunks asked for it stands for. */
export interface PlannedFrame {
  readonly pack: Pack;
  readonly frame: StoredFrame;
  /** Copy numbers inside this frame, each with the chunk that was asked for. */
  readonly wanted: Wanted[];
}

export interface Wanted {
  readonly chunkId: Buffer;
  readonly copy: number;
  /** Other copies, best first, for when this one turns out damaged. */
  readonly others: readonly Copy[];
}

/** Copies that may be read for a chunk, best first: verified, then sound, then those found damaged once. */
export function readableCopies(
  index: ChunkIndex,
  copies: readonly Copy[],
  domainId: string | undefined,
  avoidPacks: ReadonlySet<string>,
): Copy[] {
  const usable = copies.filter((copy) => {
    if (!isReadable(copy.state)) return false;
    const pack = index.packByNumber(copy.pack);
    if (domainId !== undefined && pack.domainId !== domainId) return false;
    if (avoidPacks.has(pack.id)) return false;
    return pack.kind === PackKind.PACK_KIND_DATA || hasTrustedEdges(copy.state);
  });
  return usable.toSorted((a, b) => rank(a) - rank(b) || a.number - b.number);
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
  const planned = new Map<number, PlannedFrame>();
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
