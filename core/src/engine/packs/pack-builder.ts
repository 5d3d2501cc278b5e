import { FrameEntry, type PackFooter, type PackKind, type WrappedSessionKey } from '@holdfast/proto/vault';
import { HoldfastError } from '../../errors/index.js';
import { unstorable } from '../format/format-errors.js';
import {
  FOOTER_TARGET_BYTES,
  MAX_FOOTER_BYTES,
  MAX_PACK_BYTES,
  MAX_PACK_CHUNKS,
  MAX_TAKEN_PACK_FRAMES,
  MAX_TAKEN_PACK_PLAIN_BYTES,
  PACK_PLAIN_TARGET_BYTES,
  PACK_TARGET_BYTES,
} from '../format/limits.js';
import type { SealedFrame } from '../frames/seal-frame.js';
import {
  checkPackFooter,
  encodePackFooter,
  encodePackHeader,
  encodePackTrailer,
  PACK_HEADER_BYTES,
  PACK_TRAILER_BYTES,
} from './pack-format.js';

export interface PackIdentity {
  readonly vaultId: Uint8Array;
  /** 16 bytes, drawn for this pack. */
  readonly packId: Uint8Array;
  readonly kind: PackKind;
  readonly domainId: Uint8Array;
  readonly sessionKey: WrappedSessionKey;
  /** 16 bytes: the agent. */
  readonly uploaderId: Uint8Array;
}

export interface PackTail {
  readonly footer: PackFooter;
  /** The footer as it is stored, and as it is sent to a gateway. */
  readonly footerBytes: Buffer;
  /** Footer and trailer: what follows the last frame in the object. */
  readonly bytes: Buffer;
}

/**
 * Keeps the books of one pack. Its bytes pass by: the object is `header`, then each added frame's
 * stored bytes in the order that `finish` was told, then `finish().bytes`.
 */
export class PackBuilder {
  readonly header: Buffer;
  private readonly frames: SealedFrame['entry'][] = [];
  private length = PACK_HEADER_BYTES;
  private chunks = 0;
  private plainLength = 0;
  private footerLength = 512;
  private finished = false;

  constructor(private readonly identity: PackIdentity) {
    this.header = encodePackHeader(identity.kind);
  }

  /** Bytes so far, header included. */
  get storedBytes(): number {
    return this.length;
  }

  get frameCount(): number {
    return this.frames.length;
  }

  /** Time to finish: the pack, its footer or its plaintext has reached its target. */
  get isFull(): boolean {
    return (
      this.length >= PACK_TARGET_BYTES ||
      this.footerLength >= FOOTER_TARGET_BYTES ||
      this.plainLength >= PACK_PLAIN_TARGET_BYTES ||
      this.chunks >= MAX_PACK_CHUNKS / 2 ||
      this.frames.length >= MAX_TAKEN_PACK_FRAMES
    );
  }

  /** Whether a frame still fits under the caps of the format and of what is taken in. One always does while `isFull` is false. */
  fits(frame: SealedFrame): boolean {
    const entryLength = entryBytes(frame.entry);
    return (
      this.length + frame.stored.length + this.footerLength + entryLength + PACK_TRAILER_BYTES <= MAX_PACK_BYTES &&
      this.footerLength + entryLength <= MAX_FOOTER_BYTES &&
      this.frames.length < MAX_TAKEN_PACK_FRAMES &&
      this.plainLength + frame.entry.plainLength <= MAX_TAKEN_PACK_PLAIN_BYTES &&
      this.chunks + frame.entry.chunkLengths.length <= MAX_PACK_CHUNKS
    );
  }

  /** Takes the frame in; returns its entry as it is if no other order is asked for. Throws Validation when it does not fit. */
  add(frame: SealedFrame): FrameEntry {
    if (this.finished)
      throw new HoldfastError({ kind: 'IllegalState', code: 'PACK_FINISHED', message: 'This pack is finished.' });
    if (!this.fits(frame)) throw unstorable('PACK_FULL', 'The frame does not fit into this pack.');
    const entry: FrameEntry = { offset: BigInt(this.length), ...frame.entry };
    this.frames.push(frame.entry);
    this.length += frame.stored.length;
    this.chunks += entry.chunkLengths.length;
    this.plainLength += entry.plainLength;
    this.footerLength += entryBytes(entry);
    return entry;
  }

  /**
   * Throws Validation for a pack without frames.
   * @param order which added frame comes at each place; as added where absent
   */
  finish(order: readonly number[] = [...this.frames.keys()]): PackTail {
    const { vaultId, packId, kind, domainId, sessionKey, uploaderId } = this.identity;
    const footer: PackFooter = {
      vaultId: Buffer.from(vaultId),
      packId: Buffer.from(packId),
      kind,
      domainId: Buffer.from(domainId),
      sessionKey,
      frames: this.placed(order),
      uploaderId: Buffer.from(uploaderId),
    };
    try {
      checkPackFooter(footer);
    } catch (cause) {
      throw unstorable('UNSTORABLE_PACK', cause instanceof Error ? cause.message : String(cause));
    }
    this.finished = true;
    const footerBytes = encodePackFooter(footer);
    return { footer, footerBytes, bytes: Buffer.concat([footerBytes, encodePackTrailer(footerBytes)]) };
  }

  private placed(order: readonly number[]): FrameEntry[] {
    if (new Set(order).size !== this.frames.length || order.length !== this.frames.length)
      throw unstorable('UNSTORABLE_PACK', 'The order of a pack names each of its frames once.');
    let offset = BigInt(PACK_HEADER_BYTES);
    return order.map((index) => {
      const frame = this.frames[index];
      if (frame === undefined) throw unstorable('UNSTORABLE_PACK', 'The order of a pack names a frame that it lacks.');
      const entry = { offset, ...frame };
      offset += BigInt(frame.storedLength);
      return entry;
    });
  }
}

/** Room that an entry takes in the footer, never too little: varints count their most. */
function entryBytes(entry: Omit<FrameEntry, 'offset'>): number {
  let total = 80 + entry.chunkIds.length + entry.chunkLengths.length * 4;
  for (const edges of entry.edges) total += 6 + edges.length;
  return total;
}
