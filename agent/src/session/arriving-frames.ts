import { decodeFrameEntry } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import type { FrameHead, HeldFrame } from '@holdfast/proto/v1';
import { PackKind } from '@holdfast/proto/v1';
import type { IncomingFrame, ReadAnswer } from '../jobs/data-transport.js';
import { splitIds } from '../jobs/ids.js';
import { PACK_KINDS } from '../jobs/pack-kinds.js';

/** With the ids that it answers for. */
export interface Answered {
  readonly answer: ReadAnswer;
  readonly ids: readonly Buffer[];
}

/** The frames of a read, one after the other. What has come of one when a call breaks off is kept for the next call, which goes on there. */
export class ArrivingFrames {
  private frame: ArrivingFrame | undefined;
  private kept: ArrivingFrame | undefined;

  /** Another call begins: what it may leave out. */
  begin(): HeldFrame | undefined {
    this.kept = this.frame ?? this.kept;
    this.frame = undefined;
    return this.kept?.held;
  }

  add(piece: Buffer): void {
    if (this.frame === undefined) throw malformed();
    this.frame.add(piece);
  }

  /** The frame before, if there is one, is whole; another begins when there is a head. Throws Integrity, or Internal for a breach of the protocol. */
  next(head: FrameHead | undefined): Answered | undefined {
    const whole = this.frame?.whole();
    this.frame = head && (head.heldBytes > 0 ? this.goOn(head) : new ArrivingFrame(head));
    return whole;
  }

  private goOn(head: FrameHead): ArrivingFrame {
    const { kept } = this;
    this.kept = undefined;
    if (kept === undefined) throw malformed();
    return kept.goOn(head);
  }
}

/** Its entry is checked before anything of it is kept or taken apart: a gateway may be in strange hands. */
class ArrivingFrame {
  private readonly kind: IncomingFrame['kind'];
  private readonly ids: readonly Buffer[];
  private readonly storedLength: number;
  private readonly pieces: Buffer[] = [];
  private bytes = 0;

  /** Throws Integrity. */
  constructor(private readonly head: FrameHead) {
    if (head.kind !== PackKind.PACK_KIND_DATA && head.kind !== PackKind.PACK_KIND_NODE) throw malformed();
    this.kind = head.kind === PackKind.PACK_KIND_NODE ? 'NODE' : 'DATA';
    const { chunkIds, storedLength } = decodeFrameEntry(head.frame, PACK_KINDS[this.kind]);
    this.ids = splitIds(chunkIds);
    this.storedLength = storedLength;
  }

  get held(): HeldFrame {
    return { packId: this.head.packId, frame: this.head.frame, bytes: this.bytes };
  }

  /** The same frame, of which the rest comes. */
  goOn(head: FrameHead): ArrivingFrame {
    const { packId, frame, bytes } = this.held;
    if (head.heldBytes !== bytes || !head.packId.equals(packId) || !head.frame.equals(frame)) throw malformed();
    const next = new ArrivingFrame(head);
    for (const piece of this.pieces) next.add(piece);
    return next;
  }

  add(piece: Buffer): void {
    this.bytes += piece.length;
    // An empty piece takes memory of its own, and there may be any number of them.
    if (piece.length === 0 || this.bytes > this.storedLength) throw malformed();
    this.pieces.push(piece);
  }

  whole(): Answered {
    const { packId, frame: entry, sealedFrameKey: sealedKey, domainId } = this.head;
    const stored = Buffer.concat(this.pieces);
    return {
      answer: { kind: 'frame', frame: { packId, kind: this.kind, entry, sealedKey, domainId, stored } },
      ids: this.ids,
    };
  }
}

function malformed(): HoldfastError {
  return new HoldfastError({
    kind: 'Internal',
    code: 'READ_MALFORMED',
    message: 'The gateway sent a stream of chunks that breaks the protocol.',
  });
}
