import type {
  ChunkHasher,
  FrameContext,
  FrameEntry,
  PlainFrame,
  SealedFrame,
  SessionKeyPair,
} from '@holdfast/core/engine';
import {
  FrameGatherer,
  FrameSealer,
  KeyDeriver,
  openChunks,
  PackBuilder,
  releaseFrameKey,
} from '@holdfast/core/engine';
import type { Random } from '@holdfast/core/ids';
import type { OutgoingPack, PackKindName } from '../data-transport.js';
import type { ChunkToSeal } from './sealing-pipeline.js';

export interface PackSealerOptions {
  readonly kind: PackKindName;
  readonly context: FrameContext;
  readonly key: SessionKeyPair;
  readonly uploaderId: Buffer;
  readonly maxPackBytes: number;
  readonly hasher: ChunkHasher;
  readonly random: Random;
  readonly emit: (pack: OutgoingPack) => void;
}

const PACK_ID_BYTES = 16;
const TAIL_RESERVE_BYTES = 64 * 1024;

/** Gathers chunks of one kind into frames, seals them, and fills packs. */
export class PackSealer {
  private readonly gatherer: FrameGatherer;
  private readonly sealer: FrameSealer;
  private readonly keys: KeyDeriver;
  private builder: PackBuilder | undefined;
  private packId: Buffer = Buffer.alloc(0);
  private frames: { readonly entry: FrameEntry; readonly stored: Buffer }[] = [];

  constructor(private readonly options: PackSealerOptions) {
    const { context, key } = options;
    this.keys = new KeyDeriver(key.sessionKey);
    this.sealer = new FrameSealer({ context, sessionKey: key.sessionKey, padded: true });
    this.gatherer = new FrameGatherer((frame) => this.seal(frame));
  }

  add(chunk: ChunkToSeal): void {
    this.gatherer.add(chunk);
  }

  finish(): void {
    this.gatherer.flush();
    this.finishPack();
  }

  private seal(frame: PlainFrame): void {
    const sealed = this.sealer.seal(frame);
    if (this.builder !== undefined && !this.hasRoom(this.builder, sealed)) this.finishPack();
    this.builder ??= this.newPack();
    const { builder } = this;
    this.frames.push({ entry: builder.add(sealed), stored: sealed.stored });
    if (builder.isFull) this.finishPack();
  }

  private hasRoom(builder: PackBuilder, sealed: SealedFrame): boolean {
    return (
      builder.fits(sealed) &&
      builder.storedBytes + sealed.stored.length + TAIL_RESERVE_BYTES <= this.options.maxPackBytes
    );
  }

  private newPack(): PackBuilder {
    const { context, key, uploaderId, random } = this.options;
    this.packId = random.bytes(PACK_ID_BYTES);
    return new PackBuilder({ ...context, packId: this.packId, sessionKey: key.wrapped, uploaderId });
  }

  private finishPack(): void {
    if (this.builder === undefined) return;
    this.verifySample();
    const { footerBytes } = this.builder.finish();
    const { kind, emit } = this.options;
    const frames = this.frames.map(({ stored }) => stored);
    emit({
      packId: this.packId,
      kind,
      frames,
      footer: footerBytes,
      bytes: this.builder.storedBytes + footerBytes.length,
    });
    this.builder = undefined;
    this.frames = [];
  }

  /** Opens one frame of every pack before it leaves, as a restore would: a host that computes wrongly is noticed now. Throws Integrity. */
  private verifySample(): void {
    const { random, hasher, context } = this.options;
    const sample = this.frames[random.bytes(4).readUInt32LE(0) % this.frames.length];
    if (sample !== undefined)
      openChunks(hasher, releaseFrameKey(this.keys, sample.entry), context, sample.entry, sample.stored);
  }
}
