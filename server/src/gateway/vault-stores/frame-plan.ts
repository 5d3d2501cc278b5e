import { PackKind } from '@holdfast/core/engine';
import type { ChunkIndex, Copy, Pack, StoredFrame } from '../chunk-index/chunk-index.js';
import { hasTrustedEdges, isReadable, isVerified, SUSPECT, UNFIT } from '../chunk-index/copy-state.js';

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
  readonly others: readonly ReadableCopy[];
}

/** Which copies a reader looks for: of one domain or any, and in no pack that was of no use to it before. */
export interface Readable {
  readonly domainId: string | undefined;
  readonly avoidPacks: ReadonlySet<string>;
  /** The agent whose copies are taken before others that are as good, if any. */
  readonly preferredUploaderId?: string | undefined;
}

/** Best first. What was verified stands even before what the preferred uploader says: its host may have changed hands since. */
const RANKS = { verifiedOfPreferred: 0, verified: 1, ofPreferred: 2, unverified: 3, suspect: 4 } as const;
const LAST_RANK = RANKS.suspect;

/** What a copy is worth to a reader: nothing unless it may be read. Those found damaged once come last. */
export function worthReading(index: ChunkIndex, readable: Readable, copy: Copy): number {
  const { domainId, avoidPacks } = readable;
  if (!isReadable(copy.state)) return 0;
  const pack = index.packByNumber(copy.pack);
  if (domainId !== undefined && pack.domainId !== domainId) return 0;
  if (avoidPacks.has(pack.id)) return 0;
  const isFollowed = pack.kind === PackKind.PACK_KIND_DATA || hasTrustedEdges(copy.state);
  return isFollowed ? 1 + LAST_RANK - rank(copy, pack, readable) : 0;
}

export interface ReadableCopy extends Copy {
  /** The lower, the better. */
  readonly rank: number;
}

/** A chunk that was asked for, and copies that may be read for it, best first. */
export interface ChunkToRead {
  readonly chunkId: Buffer;
  readonly copies: readonly ReadableCopy[];
}

export function chunksToRead(index: ChunkIndex, chunkIds: Buffer, readable: Readable): ChunkToRead[] {
  const ranked = (copy: Copy): ReadableCopy => ({
    ...copy,
    rank: rank(copy, index.packByNumber(copy.pack), readable),
  });
  return index
    .lookup(chunkIds, (copy) => worthReading(index, readable, copy))
    .map((copies, place) => ({
      chunkId: chunkIds.subarray(place * ID_BYTES, (place + 1) * ID_BYTES),
      copies: copies.map(ranked).sort((a, b) => a.rank - b.rank || a.number - b.number),
    }));
}

/**
 * Groups chunks by frame, so that a frame is sent once however many chunks are asked of it, in the
 * order in which they lie in their packs. Among equally good copies one in a frame that is read
 * anyway is taken.
 */
export function planFrames(index: ChunkIndex, chunks: readonly ChunkToRead[]): PlannedFrame[] {
  const planned = new Map<number, PlannedFrame & { readonly wanted: Wanted[] }>();
  for (const { chunkId, copies } of chunks) {
    const [best] = copies;
    if (best === undefined) continue;
    const equals = copies
      .filter((copy) => copy.rank === best.rank)
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

function rank(copy: Copy, pack: Pack, { preferredUploaderId }: Readable): number {
  if ((copy.state & (SUSPECT | UNFIT)) !== 0) return RANKS.suspect;
  const isOfPreferred = pack.uploaderId === preferredUploaderId;
  if (isVerified(copy.state)) return isOfPreferred ? RANKS.verifiedOfPreferred : RANKS.verified;
  return isOfPreferred ? RANKS.ofPreferred : RANKS.unverified;
}
