import { frameCheck, nodeCodec, type ObjectStore, packName } from '@holdfast/core/engine';
import { asHoldfastError, HoldfastError, isHoldfastError } from '@holdfast/core/errors';
import { uuidToBytes } from '@holdfast/core/ids';
import type { Log } from '../../platform/telemetry/log.js';
import type { ChunkIndex, Copy, Pack, StoredFrame } from '../chunk-index/chunk-index.js';
import { isDamage, isFrameSuspect, markSuspect, markUnfit } from './damaged-frames.js';
import { type ChunkToRead, type PlannedFrame, planFrames } from './frame-plan.js';
import type { MissingPacks } from './missing-packs.js';
import type { SuspectPacks } from './suspect-packs.js';
import { isGone } from './vault-in-store.js';

export interface FrameSource {
  readonly vaultId: string;
  readonly store: Pick<ObjectStore, 'get' | 'stat' | 'list'>;
  readonly index: ChunkIndex;
  /** Told when a pack turns out missing. */
  readonly missingPacks?: Pick<MissingPacks, 'meet'>;
  /** Told when a suspect frame turns out sound. */
  readonly suspectPacks?: Pick<SuspectPacks, 'met'>;
}

export interface DamagedChunks {
  readonly kind: 'damaged';
  readonly chunkIds: Buffer;
  readonly reason: string;
}

export interface FrameReader<Part> {
  /** Makes of a frame what the reader is sent. A HoldfastError says why it cannot, and it is asked once more; what is thrown ends the read. */
  readonly take: (planned: PlannedFrame, bytes: Buffer) => Part | HoldfastError | Promise<Part | HoldfastError>;
  /** Called with each round's frames before the first of them is read; a frame that is taken once more is a round of its own. */
  readonly onPlan?: (frames: readonly PlannedFrame[]) => Promise<void>;
  /** Called for a frame that is of no use, although its stored bytes are what came. */
  readonly onUnfit?: (planned: PlannedFrame, failure: HoldfastError) => void;
  /** Whether the reader opens this frame and says if it was of no use (`checkCopies`): it need not be checked here as well. */
  readonly readerChecks?: (planned: PlannedFrame) => boolean;
}

/**
 * Reads the frames that hold these chunks, checks each against its check unless the reader does, and takes the next copy
 * where one is damaged, gone or of no use; such a one is marked, so that no new backup relies on it. One frame is
 * read ahead of the one that is being sent. Chunks without a readable copy come out as damaged.
 */
export async function* readFrames<Part>(
  source: FrameSource,
  chunks: readonly ChunkToRead[],
  log: Log,
  reader: FrameReader<Part>,
): AsyncGenerator<Part | DamagedChunks> {
  const { onPlan, onUnfit, readerChecks = () => false } = reader;
  const begin = (planned: PlannedFrame) => attempt(source, planned, readerChecks(planned));
  const absent = chunks.filter(({ copies }) => copies.length === 0);
  if (absent.length > 0) yield damaged(absent, 'The vault has no readable copy.');

  let plan = planFrames(source.index, chunks);
  while (plan.length > 0) {
    await onPlan?.(plan);
    const again: ChunkToRead[] = [];
    let ahead = plan[0] && begin(plan[0]);
    for (const [place, planned] of plan.entries()) {
      const reading = ahead ?? begin(planned);
      const next = plan[place + 1];
      ahead = next && begin(next);
      const part = await taken(source, planned, await reading, reader);
      if (!(part instanceof Useless)) {
        yield part;
        continue;
      }
      const { failure } = part;
      if (part.isAsStored) {
        markUnfit(source, planned.frame, log, failure);
        onUnfit?.(planned, failure);
      } else await markSuspect(source, planned.frame, log, failure);
      const lost = planned.wanted.filter(({ others }) => others.length === 0);
      if (lost.length > 0) yield damaged(lost, failure.message);
      for (const { chunkId, others } of planned.wanted) if (others.length > 0) again.push({ chunkId, copies: others });
    }
    plan = planFrames(source.index, again);
  }
}

/** A frame of which nothing can be made. */
class Useless {
  constructor(
    readonly failure: HoldfastError,
    /** Its stored bytes are what came. */
    readonly isAsStored: boolean,
  ) {}
}

/**
 * What is of no use is read and taken once more before that is held against it for good: the bytes, or what was asked with them, may have changed in memory or
 * on their way. Throws what says nothing of the frame.
 */
async function taken<Part>(
  source: FrameSource,
  planned: PlannedFrame,
  read: Buffer | HoldfastError,
  { take, onPlan }: FrameReader<Part>,
): Promise<Part | Useless> {
  let bytes = read;
  for (let isLast = false; ; isLast = true) {
    if (bytes instanceof HoldfastError) {
      if (!isDamage(bytes)) throw bytes;
      return new Useless(bytes, false);
    }
    const part = await take(planned, bytes);
    if (!(part instanceof HoldfastError)) return part;
    if (isLast) return new Useless(part, true);
    await onPlan?.([planned]);
    bytes = await attempt(source, planned, false);
  }
}

function damaged(chunks: readonly { readonly chunkId: Buffer }[], reason: string): DamagedChunks {
  return { kind: 'damaged', chunkIds: Buffer.concat(chunks.map(({ chunkId }) => chunkId)), reason };
}

/** Of those that a reader complains of at a time; it will complain of the others again. */
const MOST_CHECKED = 64;

/**
 * A reader found these copies to be of no use: marks those whose stored bytes are not what they were, and returns those whose are. `pass` is called before
 * each, and throws once nobody waits any more.
 */
export async function checkCopies(
  source: FrameSource,
  copies: readonly Copy[],
  log: Log,
  pass: () => Promise<void>,
): Promise<Copy[]> {
  const frames = new Map<number, { readonly frame: StoredFrame; readonly copies: Copy[] }>();
  for (const copy of copies) {
    const frame = source.index.frameOf(copy.number);
    const known = frames.get(frame.firstCopy);
    if (known) known.copies.push(copy);
    else frames.set(frame.firstCopy, { frame, copies: [copy] });
  }
  const asStored: Copy[] = [];
  for (const { frame, copies: those } of [...frames.values()].slice(0, MOST_CHECKED)) {
    await pass();
    try {
      await readFrame(source, source.index.packByNumber(frame.pack), frame);
      asStored.push(...those);
    } catch (error) {
      const failure = asHoldfastError(error);
      if (isDamage(failure)) await markSuspect(source, frame, log, failure);
      else log.warn({ vaultId: source.vaultId, err: failure }, 'frame.unchecked');
    }
  }
  return asStored;
}

/** One frame's stored bytes, the very ones that came. Throws Integrity, NotFound or Unavailable. */
export async function readFrame(source: FrameSource, pack: Pack, frame: StoredFrame): Promise<Buffer> {
  const bytes = await readStored(source, pack, frame);
  if (!frameCheck(bytes, nodeCodec, source.index.checkKey).equals(frame.ownCheck)) throw damagedFrame(pack);
  return bytes;
}

async function readStored({ store }: FrameSource, { id }: Pack, frame: StoredFrame): Promise<Buffer> {
  const name = packName(uuidToBytes(id));
  const read = () => store.get(name, { offset: frame.offset, length: frame.storedLength });
  try {
    return await read();
  } catch (error) {
    if (!isHoldfastError(error, 'NotFound') || (await isGone(store, name))) throw error;
    return read();
  }
}

// The read ahead may fail while nobody awaits it yet, so a failure is a value here.
async function attempt(
  source: FrameSource,
  { pack, frame }: PlannedFrame,
  readerChecks: boolean,
): Promise<Buffer | HoldfastError> {
  try {
    if (!isFrameSuspect(source.index, frame)) return await (readerChecks ? readStored : readFrame)(source, pack, frame);
    const bytes = await readFrame(source, pack, frame);
    source.suspectPacks?.met(pack);
    return bytes;
  } catch (error) {
    return asHoldfastError(error);
  }
}

function damagedFrame(pack: Pack): HoldfastError {
  return new HoldfastError({
    kind: 'Integrity',
    code: 'FRAME_DAMAGED',
    message: 'The stored bytes of a frame are not what was stored.',
    details: { packId: pack.id },
  });
}
