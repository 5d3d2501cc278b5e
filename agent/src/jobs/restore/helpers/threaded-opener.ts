import { Codec, type FrameEntry } from '@holdfast/core/engine';
import { ownMemory, withBuffers } from '../../../platform/cloned.js';
import type { IncomingFrame } from '../../data-transport.js';
import type { FrameOpener, OpenedFrame } from '../frame-opener.js';
import type { HelperThreads } from './helper-threads.js';

/** A small restore needs no threads. */
const BYTES_BEFORE_THREADS = 4 * 1024 * 1024;
/** Whoever's helpers have more before them opens frames itself. */
const MOST_WAITING_COST = 6 * 1024 * 1024;
/** Opening a byte takes as long as writing so many. */
const COST_PER_BYTE = 3;

/**
 * Frames are opened by helpers, unless those have enough to do. What is not compressed stays: decrypted and checked in a moment, it is
 * better still in this core's cache when it is written.
 */
export class ThreadedOpener implements FrameOpener {
  private bytes = 0;

  constructor(private readonly helpers: HelperThreads) {}

  open(frame: IncomingFrame, entry: FrameEntry, wanted: readonly number[]): Promise<OpenedFrame> | undefined {
    this.bytes += frame.stored.length;
    const isFew = this.bytes < BYTES_BEFORE_THREADS;
    if (isFew || entry.codec === Codec.CODEC_RAW || this.helpers.leastCost > MOST_WAITING_COST) return undefined;
    return this.helpers
      .do({ kind: 'open', frame: tight(frame), wanted }, COST_PER_BYTE * frame.stored.length, ownMemory(frame.stored))
      .then(withBuffers);
  }
}

/** Of a view, what lies around it would be copied, too. */
function tight({ packId, entry, sealedKey, domainId, ...frame }: IncomingFrame): IncomingFrame {
  const own = (bytes: Buffer): Buffer => Buffer.from(Uint8Array.from(bytes).buffer);
  return { ...frame, packId: own(packId), entry: own(entry), sealedKey: own(sealedKey), domainId: own(domainId) };
}
