import type { FrameEntry, OpenedChunk } from '@holdfast/core/engine';
import { ChunkHasher, frameDigest, openFrame, openReleasedKey, splitFrame, verifyChunk } from '@holdfast/core/engine';
import { isHoldfastError } from '@holdfast/core/errors';
import { hostCodec } from '../../platform/native-codec.js';
import type { IncomingFrame } from '../data-transport.js';
import type { RestoreCommand } from '../job.js';
import { PACK_KINDS } from '../pack-kinds.js';

export type FrameKeys = Pick<RestoreCommand, 'vaultId' | 'idKey' | 'transportKey'>;

/** What became of a frame and of the chunks that were asked for. */
export interface OpenedFrame {
  /** Authentic to whoever sealed it; undefined if it does not open. */
  readonly plaintext: Buffer | undefined;
  /** Places of those asked for that are not what their ids name. */
  readonly unsound: readonly number[];
}

/** Opens frames in other threads. */
export interface FrameOpener {
  /**
   * Never fails for damage. The frame's stored bytes are the opener's from then on; undefined if whoever asks opens it best.
   * @param entry the frame's, decoded
   * @param wanted places in the frame of the chunks to verify
   */
  open(frame: IncomingFrame, entry: FrameEntry, wanted: readonly number[]): Promise<OpenedFrame> | undefined;
}

/** Opens frames in this thread. */
export class FrameOpening {
  private readonly hasher: ChunkHasher;

  constructor(private readonly keys: FrameKeys) {
    this.hasher = new ChunkHasher(keys.idKey);
  }

  open(frame: IncomingFrame, entry: FrameEntry, wanted: readonly number[]): OpenedFrame {
    const { vaultId, transportKey } = this.keys;
    const kind = PACK_KINDS[frame.kind];
    const place = { vaultId, domainId: frame.domainId };
    const key = openReleasedKey(transportKey, place, frameDigest(entry), frame.sealedKey);
    const plaintext = unlessDamaged(() => openFrame(key, { ...place, kind }, entry, frame.stored, hostCodec()));
    if (plaintext === undefined) return { plaintext, unsound: wanted };
    const chunks = splitFrame(entry, plaintext);
    return { plaintext, unsound: wanted.filter((at) => !this.isSound(frame.kind, chunks[at] as OpenedChunk)) };
  }

  isSound(kind: IncomingFrame['kind'], { id, edges, plaintext }: OpenedChunk): boolean {
    const verified = unlessDamaged(() => {
      verifyChunk(this.hasher, PACK_KINDS[kind], id, edges, plaintext);
      return true;
    });
    return verified ?? false;
  }
}

function unlessDamaged<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (isHoldfastError(error, 'Integrity')) return undefined;
    throw error;
  }
}
