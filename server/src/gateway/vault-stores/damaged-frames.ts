import { isFailingDisk } from '@holdfast/core/engine';
import type { HoldfastError } from '@holdfast/core/errors';
import type { Log } from '../../platform/telemetry/log.js';
import type { ChunkIndex, StoredFrame } from '../chunk-index/chunk-index.js';
import { isSuspect, SUSPECT, UNFIT } from '../chunk-index/copy-state.js';
import type { FrameSource } from './read-frames.js';
import { requireVaultIn } from './vault-in-store.js';

const ID_BYTES = 32;

/** The stored bytes are gone or wrong, as opposed to a store that cannot serve right now. */
export function isDamage(failure: HoldfastError): boolean {
  return failure.kind === 'Integrity' || failure.kind === 'NotFound' || isFailingDisk(failure);
}

export function copiesOf({ firstCopy, chunkIds }: StoredFrame): number[] {
  return Array.from({ length: chunkIds.length / ID_BYTES }, (_, place) => firstCopy + place);
}

/** All copies of a frame are marked at once. */
export function isFrameSuspect(index: Pick<ChunkIndex, 'currentState'>, { firstCopy }: StoredFrame): boolean {
  return isSuspect(index.currentState(firstCopy));
}

/**
 * The frame's stored bytes are gone or wrong: its copies count for no new backup until they are right again. Throws Unavailable where they are gone because the
 * store is.
 */
export async function markSuspect(
  source: FrameSource,
  frame: StoredFrame,
  log: Log,
  failure: HoldfastError,
): Promise<void> {
  if (failure.kind === 'NotFound') await requireVaultIn(source.store);
  const isKnown = isFrameSuspect(source.index, frame);
  source.index.changeState(copiesOf(frame), { set: SUSPECT });
  tell(source, frame, log, failure);
  if (failure.kind === 'NotFound' && !isKnown) source.missingPacks?.meet(frame.pack);
}

/** What is stored is what came, and of no use to who asked for it: the frame's copies count for no new backup. */
export function markUnfit(source: FrameSource, frame: StoredFrame, log: Log, failure: HoldfastError): void {
  source.index.changeState(copiesOf(frame), { set: UNFIT });
  tell(source, frame, log, failure);
}

function tell({ vaultId, index }: FrameSource, { pack, offset }: StoredFrame, log: Log, { code }: HoldfastError): void {
  log.error({ vaultId, packId: index.packByNumber(pack).id, offset, reason: code }, 'frame.damaged');
}
