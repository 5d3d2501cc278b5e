import { randomBytes } from 'node:crypto';
import {
  ChunkHasher,
  encodeFrameEntry,
  FrameSealer,
  frameDigest,
  PackKind,
  releaseFrameKey,
  sealReleasedKey,
} from '@holdfast/core/engine';
import { systemRandom } from '@holdfast/core/ids';
import type { IncomingFrame } from '../data-transport.js';

export interface SealedChunk {
  readonly content: Buffer;
  /** Of another content, where its uploader lies. */
  readonly id: Buffer;
}

/** Frames of data as a restore is served them, with the keys that open them. */
export class SealedFrames {
  readonly keys = { vaultId: randomBytes(16), idKey: randomBytes(32), transportKey: randomBytes(32) };
  private readonly sessionKey = randomBytes(32);
  private readonly context = {
    vaultId: this.keys.vaultId,
    domainId: randomBytes(16),
    kind: PackKind.PACK_KIND_DATA,
  };
  private readonly sealer = new FrameSealer({ context: this.context, sessionKey: this.sessionKey, padded: false });
  private readonly hasher = new ChunkHasher(this.keys.idKey);

  idOf(content: Buffer): Buffer {
    return this.hasher.nameData(content).id;
  }

  frame(chunks: readonly SealedChunk[], packId: Buffer = randomBytes(16)): IncomingFrame {
    const { stored, entry } = this.sealer.seal({
      plaintext: Buffer.concat(chunks.map(({ content }) => content)),
      chunks: chunks.map(({ id, content }) => ({ id, length: content.length })),
    });
    const placed = { offset: 16n, ...entry };
    const digest = frameDigest(placed);
    const frameKey = releaseFrameKey(this.sessionKey, digest);
    return {
      ...{ packId, kind: 'DATA', entry: encodeFrameEntry(placed), domainId: this.context.domainId, stored },
      sealedKey: sealReleasedKey(this.keys.transportKey, this.context, digest, frameKey, systemRandom),
    };
  }
}
