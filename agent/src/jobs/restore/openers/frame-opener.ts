import {
  ChunkHasher,
  decodeFrameEntry,
  type OpenedChunk,
  openFrame,
  openReleasedKey,
  PackKind,
  splitFrame,
  verifyChunk,
} from '@holdfast/core/engine';
import { isHoldfastError } from '@holdfast/core/errors';
import { hostCodec } from '../../../platform/native-codec.js';
import type { IncomingFrame } from '../../data-transport.js';
import { splitIds } from '../../ids.js';
import type { RestoreCommand } from '../../job.js';

/** Plain values: they cross to other threads. */
export type OpeningKeys = Pick<RestoreCommand, 'vaultId' | 'idKey' | 'transportKey'>;

/** A chunk that the frame says it has, and its content unless that is not what its id names. */
export interface NamedChunk {
  readonly id: Buffer;
  readonly chunk: OpenedChunk | undefined;
}

/** Opens frames and compares every chunk with its id, here or in other threads. Rejects for what is no damage. */
export interface FrameOpener {
  open(frame: IncomingFrame): Promise<readonly NamedChunk[]>;
}

const kinds = { DATA: PackKind.PACK_KIND_DATA, NODE: PackKind.PACK_KIND_NODE } as const;

/** Opens them in this thread. */
export class HereOpener implements FrameOpener {
  private readonly hasher: ChunkHasher;

  constructor(private readonly keys: OpeningKeys) {
    this.hasher = new ChunkHasher(keys.idKey);
  }

  async open(frame: IncomingFrame): Promise<readonly NamedChunk[]> {
    return this.openNow(frame);
  }

  openNow(frame: IncomingFrame): readonly NamedChunk[] {
    const { vaultId, transportKey } = this.keys;
    const kind = kinds[frame.kind];
    const entry = decodeFrameEntry(frame.entry, kind);
    const place = { vaultId, domainId: frame.domainId };
    const key = openReleasedKey(transportKey, place, entry, frame.sealedKey);
    try {
      const plaintext = openFrame(key, { ...place, kind }, entry, frame.stored, hostCodec());
      return splitFrame(entry, plaintext).map((chunk) => ({
        id: chunk.id,
        chunk: this.isSound(chunk, kind) ? chunk : undefined,
      }));
    } catch (error) {
      if (!isHoldfastError(error, 'Integrity')) throw error;
      return splitIds(entry.chunkIds).map((id) => ({ id, chunk: undefined }));
    }
  }

  private isSound({ id, edges, plaintext }: OpenedChunk, kind: PackKind): boolean {
    try {
      verifyChunk(this.hasher, kind, id, edges, plaintext);
      return true;
    } catch (error) {
      if (isHoldfastError(error, 'Integrity')) return false;
      throw error;
    }
  }
}
