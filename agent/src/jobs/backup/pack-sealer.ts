import type { FrameCodec, FrameContext, PlainFrame, SealedFrame, SessionKeyPair } from '@holdfast/core/engine';
import {
  type ChunkHasher,
  FrameGatherer,
  FrameSealer,
  frameDigest,
  KeyDeriver,
  openChunks,
  PACK_TARGET_BYTES,
  PackBuilder,
  releaseFrameKey,
} from '@holdfast/core/engine';
import { isHoldfastError } from '@holdfast/core/errors';
import type { Random } from '@holdfast/core/ids';
import type { PackKindName } from '../data-transport.js';
import { idKey } from '../ids.js';
import { PACK_KINDS } from '../pack-kinds.js';
import { shuffled } from './shuffled.js';

/** Room for a pack's frames: its target, and some so that frames of the usual length reach it. */
export const PACK_BUFFER_BYTES = PACK_TARGET_BYTES + 256 * 1024;

/** Where a pack's frames are sealed to, until the vault has them. */
export interface PackBuffer {
  readonly bytes: Buffer;
}

export interface ChunkToSeal {
  readonly id: Buffer;
  readonly plaintext: Buffer;
  /** Nodes: sorted set of ids. */
  readonly edges?: Buffer;
}

/** A pack whose frames lie in its buffer, in the order in which they are to be sent. */
export interface SealedPack {
  readonly packId: Buffer;
  readonly kind: PackKindName;
  readonly buffer: PackBuffer;
  readonly frames: readonly Buffer[];
  /** PackFooter, encoded. */
  readonly footer: Buffer;
  /** Bytes of frames and footer. */
  readonly bytes: number;
  /** Why the frames are not what was sealed, where that was found; such a pack is not to be sent. */
  readonly spoiled?: string;
}

export interface PackSealerOptions {
  readonly kind: PackKindName;
  /** Each 16 bytes. */
  readonly vaultId: Buffer;
  readonly domainId: Buffer;
  readonly uploaderId: Buffer;
  readonly key: SessionKeyPair;
  readonly maxPackBytes: number;
  /** Frames are padded. */
  readonly padded: boolean;
  /** Every frame is opened before it is sent, not one of each pack. */
  readonly paranoid: boolean;
  readonly hasher: ChunkHasher;
  readonly codec: FrameCodec;
  readonly random: Random;
  /** Resolves when there is room for another pack. */
  readonly takeBuffer: () => Promise<PackBuffer>;
  readonly emit: (pack: SealedPack) => void;
}

const PACK_ID_BYTES = 16;
const TAIL_RESERVE_BYTES = 8 * 1024 * 1024;

/** Gathers chunks of one kind into frames, seals them, and fills packs. */
export class PackSealer {
  private readonly context: FrameContext;
  private readonly gatherer: FrameGatherer;
  private readonly sealer: FrameSealer;
  private readonly keys: KeyDeriver;
  private readonly mostBytes: number;
  private taking: Promise<void> | undefined;
  private buffer: PackBuffer | undefined;
  private filled = 0;
  private builder: PackBuilder | undefined;
  private packId: Buffer = Buffer.alloc(0);
  private frames: SealedFrame[] = [];
  /** Ids in the pack, and those gathered for its next frame. */
  private readonly packed = new Set<string>();
  private readonly gathered = new Set<string>();

  constructor(private readonly options: PackSealerOptions) {
    const { key, kind, vaultId, domainId, maxPackBytes } = options;
    this.context = {
      vaultId,
      domainId,
      kind: PACK_KINDS[kind],
    };
    this.keys = new KeyDeriver(key.sessionKey);
    const { padded, codec } = options;
    this.sealer = new FrameSealer({ context: this.context, sessionKey: key.sessionKey, padded, codec });
    this.gatherer = new FrameGatherer((frame) => this.seal(frame));
    this.mostBytes = Math.min(PACK_BUFFER_BYTES, maxPackBytes - TAIL_RESERVE_BYTES);
  }

  /**
   * The plaintext is the caller's again once this resolves. A chunk that the pack holds already, which its vault cannot know of while
   * the pack is being filled, is not sealed again.
   */
  async add(chunk: ChunkToSeal): Promise<void> {
    await this.roomFor(this.mostFor(chunk.plaintext.length));
    const id = idKey(chunk.id);
    if (this.packed.has(id) || this.gathered.has(id)) return;
    this.gathered.add(id);
    this.gatherer.add(chunk);
    if (this.builder?.isFull === true) this.finishPack();
  }

  async finish(): Promise<void> {
    if (this.gatherer.pendingBytes > 0) await this.roomFor(this.mostFor(0));
    this.gatherer.flush();
    this.finishPack();
  }

  /** What has been gathered may be sealed as one frame, and the chunk as another. */
  private mostFor(plainLength: number): number {
    return this.sealer.mostStored(this.gatherer.pendingBytes) + this.sealer.mostStored(plainLength);
  }

  private async roomFor(bytes: number): Promise<void> {
    for (;;) {
      if (this.builder !== undefined && this.filled + bytes > this.mostBytes) this.finishPack();
      if (this.buffer !== undefined) return;
      // Somebody else may fill it before this goes on, so everything is looked at again.
      await this.nextBuffer();
    }
  }

  private nextBuffer(): Promise<void> {
    this.taking ??= this.options.takeBuffer().then((buffer) => {
      this.buffer = buffer;
      this.taking = undefined;
    });
    return this.taking;
  }

  private seal(frame: PlainFrame): void {
    if (this.buffer === undefined) throw new TypeError('a frame without a buffer to go to');
    const sealed = this.sealer.seal(frame, this.buffer.bytes.subarray(this.filled));
    this.filled += sealed.stored.length;
    this.builder ??= this.newPack();
    this.builder.add(sealed);
    this.frames.push(sealed);
    for (const chunk of frame.chunks) {
      this.gathered.delete(idKey(chunk.id));
      this.packed.add(idKey(chunk.id));
    }
  }

  private newPack(): PackBuilder {
    const { key, uploaderId, random } = this.options;
    this.packId = random.bytes(PACK_ID_BYTES);
    return new PackBuilder({ ...this.context, packId: this.packId, sessionKey: key.wrapped, uploaderId });
  }

  /** Frames leave in random order: which lay next to which, and so which lengths belong to one file, is nobody's business. */
  private finishPack(): void {
    const { builder, buffer } = this;
    if (builder === undefined || buffer === undefined) return;
    const spoiled = this.whatIsSpoiled();
    const order = shuffled(this.frames.length, this.options.random);
    const { footerBytes } = builder.finish(order);
    const { kind, emit } = this.options;
    const frames = order.map((index) => (this.frames[index] as SealedFrame).stored);
    this.buffer = undefined;
    this.builder = undefined;
    this.frames = [];
    this.packed.clear();
    this.filled = 0;
    emit({
      packId: this.packId,
      kind,
      buffer,
      frames,
      footer: footerBytes,
      bytes: builder.storedBytes + footerBytes.length,
      ...(spoiled !== undefined && { spoiled }),
    });
  }

  /**
   * Opens a frame of every pack before it leaves, as a restore would, or all of them: a host that computes wrongly is noticed now. Not with
   * the codec that sealed it.
   */
  private whatIsSpoiled(): string | undefined {
    const { random, hasher, paranoid } = this.options;
    const sample = random.bytes(4).readUInt32LE(0) % this.frames.length;
    try {
      for (const { entry: sealed, stored } of paranoid ? this.frames : this.frames.slice(sample, sample + 1)) {
        const entry = { offset: 0n, ...sealed };
        openChunks(hasher, releaseFrameKey(this.keys, frameDigest(entry)), this.context, entry, stored);
      }
      return undefined;
    } catch (error) {
      if (!isHoldfastError(error, 'Integrity')) throw error;
      return error.message;
    }
  }
}
