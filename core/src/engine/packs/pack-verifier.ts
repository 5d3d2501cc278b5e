import type { PackFooter, PackKind } from '@holdfast/proto/vault';
import { damaged } from '../format/format-errors.js';
import {
  MAX_FRAME_STORED_BYTES,
  MAX_PACK_BYTES,
  MAX_TAKEN_PACK_FRAMES,
  MAX_TAKEN_PACK_PLAIN_BYTES,
} from '../format/limits.js';
import { FRAME_CHECK_BYTES, RunningFrameCheck } from '../frames/frame-check.js';
import { decodePackHeader, encodePackTrailer, framesEnd, PACK_HEADER_BYTES, parsePackFooter } from './pack-format.js';

export interface ExpectedPack {
  readonly vaultId: Uint8Array;
  readonly packId: Uint8Array;
  readonly kind: PackKind;
  readonly domainId: Uint8Array;
  readonly uploaderId: Uint8Array;
}

export interface VerifiedPack {
  readonly footer: PackFooter;
  /** What to store after the last frame: the footer and its trailer. */
  readonly tail: readonly [footer: Uint8Array, trailer: Buffer];
  /** Of each frame under the verifier's own key; none where it has none. */
  readonly ownChecks: readonly Buffer[];
}

/**
 * Checks a pack while it passes by, without any key: header, then frames in pieces, then the footer.
 * Every method throws Integrity on the first thing that is wrong; the pack is worthless then.
 */
export class PackVerifier {
  private offset = PACK_HEADER_BYTES;
  private frameLength = 0;
  private checks: readonly RunningFrameCheck[] = [];
  private readonly seen = new SeenFrames();

  /** @param ownKey 32 bytes: frames are checked under it too, for whoever is to tell later whether they are these very ones */
  constructor(
    private readonly expected: ExpectedPack,
    private readonly ownKey?: Buffer,
  ) {}

  header(bytes: Uint8Array): void {
    if (decodePackHeader(bytes) !== this.expected.kind)
      throw damaged('PACK_KIND', 'A pack is of another kind than was announced.');
  }

  /** The next piece of the current frame; `last` ends it. */
  frame(piece: Uint8Array, last: boolean): void {
    this.frameLength += piece.length;
    this.offset += piece.length;
    if (
      this.frameLength > MAX_FRAME_STORED_BYTES ||
      this.offset > MAX_PACK_BYTES ||
      this.seen.count >= MAX_TAKEN_PACK_FRAMES
    ) {
      throw damaged('PACK_TOO_LARGE', 'A pack, or a frame of it, is longer than any that is taken in.');
    }
    if (this.checks.length === 0) this.checks = this.newChecks();
    for (const check of this.checks) check.update(piece);
    if (!last) return;
    this.seen.add(
      this.frameLength,
      this.checks.map((each) => each.digest()),
    );
    this.frameLength = 0;
    this.checks = [];
  }

  /** The footer ends the pack: it must describe the frames that passed, and be the one expected. */
  footer(bytes: Uint8Array): VerifiedPack {
    if (this.checks.length > 0) throw damaged('PACK_FRAMES', 'A pack ends inside a frame.');
    const footer = parsePackFooter(bytes);
    this.compareIdentity(footer);
    if (footer.frames.reduce((sum, { plainLength }) => sum + plainLength, 0) > MAX_TAKEN_PACK_PLAIN_BYTES)
      throw damaged('PACK_PLAIN_TOO_LARGE', 'A pack stands for more plaintext than is taken in.');
    if (footer.frames.length !== this.seen.count || framesEnd(footer) !== this.offset) {
      throw damaged('PACK_FRAMES', "A pack's footer describes other frames than were sent.");
    }
    footer.frames.forEach((entry, index) => {
      if (!this.seen.isAt(index, entry.storedLength, entry.storedCheck)) {
        throw damaged('FRAME_HASH', `Frame ${index} of a pack is not what its footer says.`);
      }
    });
    return { footer, tail: [bytes, encodePackTrailer(bytes)], ownChecks: this.ownKey ? this.seen.ownChecks() : [] };
  }

  private newChecks(): RunningFrameCheck[] {
    return [new RunningFrameCheck(), ...(this.ownKey ? [new RunningFrameCheck(this.ownKey)] : [])];
  }

  private compareIdentity(footer: PackFooter): void {
    const { vaultId, packId, kind, domainId, uploaderId } = this.expected;
    const same =
      footer.vaultId.equals(vaultId) &&
      footer.packId.equals(packId) &&
      footer.kind === kind &&
      footer.domainId.equals(domainId) &&
      footer.uploaderId.equals(uploaderId);
    if (!same)
      throw damaged('PACK_IDENTITY', 'A pack states another vault, domain, kind, uploader or id than was announced.');
  }
}

const LENGTH_BYTES = 4;
const SEEN_BYTES = LENGTH_BYTES + 2 * FRAME_CHECK_BYTES;
const FIRST_ROOM = 16;

/** Length and checks of each frame, in one piece: objects for thousands of frames of a byte each would take many times as much, and an upload may wait for long. */
class SeenFrames {
  count = 0;
  private bytes = Buffer.allocUnsafe(FIRST_ROOM * SEEN_BYTES);

  /** The check in the footer, and the verifier's own if it has one. */
  add(length: number, checks: readonly Buffer[]): void {
    const at = this.count * SEEN_BYTES;
    if (at === this.bytes.length) this.bytes = Buffer.concat([this.bytes], 2 * this.bytes.length);
    this.bytes.writeUInt32LE(length, at);
    for (const [place, check] of checks.entries())
      check.copy(this.bytes, at + LENGTH_BYTES + place * FRAME_CHECK_BYTES);
    this.count += 1;
  }

  isAt(index: number, length: number, check: Uint8Array): boolean {
    const at = index * SEEN_BYTES;
    const seen = this.bytes.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + FRAME_CHECK_BYTES);
    return index < this.count && this.bytes.readUInt32LE(at) === length && seen.equals(check);
  }

  ownChecks(): Buffer[] {
    return Array.from({ length: this.count }, (_, index) => {
      const end = (index + 1) * SEEN_BYTES;
      return this.bytes.subarray(end - FRAME_CHECK_BYTES, end);
    });
  }
}
