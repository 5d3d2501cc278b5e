import { Codec, type FrameEntry } from '@holdfast/proto/vault';
import { unstorable } from '../format/format-errors.js';
import { NO_IDS } from '../format/id-set.js';
import { KIB } from '../format/limits.js';
import { KeyDeriver } from '../sealing/hkdf.js';
import { compressIfWorthwhile } from './compression.js';
import { BODY_LENGTH_BYTES, checkFrameEntry, deriveFrameKey, type FrameContext, frameBinding } from './frame.js';
import { FRAME_CHECK_BYTES, frameCheck } from './frame-check.js';
import { type FrameCodec, nodeCodec, TAG_BYTES } from './frame-codec.js';
import { padmeLength } from './padding.js';

const ZEROS = Buffer.alloc(32 * KIB);

/** One chunk's share of a frame, in the order of the plaintext. */
export interface FrameChunk {
  readonly id: Uint8Array;
  readonly length: number;
  /** Nodes: sorted set of the ids it refers to. */
  readonly edges?: Uint8Array;
}

export interface PlainFrame {
  /** The chunks' plaintexts, one after another. */
  readonly plaintext: Uint8Array;
  readonly chunks: readonly FrameChunk[];
}

export interface SealedFrame {
  readonly stored: Buffer;
  /** Everything of the footer's entry but the offset, which the pack decides. */
  readonly entry: Omit<FrameEntry, 'offset'>;
}

export interface FrameSealerOptions {
  readonly context: FrameContext;
  /** 32 bytes, drawn for this session. */
  readonly sessionKey: Uint8Array;
  /** Round stored lengths up (Padmé), so that they say less about the content. */
  readonly padded: boolean;
  /** `nodeCodec`, where absent. */
  readonly codec?: FrameCodec;
}

/** Seals the frames of one upload session and kind. */
export class FrameSealer {
  private readonly keys: KeyDeriver;
  private readonly codec: FrameCodec;

  constructor(private readonly options: FrameSealerOptions) {
    this.keys = new KeyDeriver(options.sessionKey);
    this.codec = options.codec ?? nodeCodec;
  }

  /** Bytes that a frame of so much plaintext takes when it does not compress: the most. */
  mostStored(plainLength: number): number {
    return this.sealedLength(plainLength) + TAG_BYTES;
  }

  /**
   * Compresses (or not) and seals. `out`, when given and large enough, receives the stored bytes and
   * must stay untouched until they are sent. Throws Validation for what the format cannot hold.
   */
  seal(frame: PlainFrame, out?: Buffer): SealedFrame {
    const compressed = compressIfWorthwhile(this.codec, frame.plaintext);
    const body = compressed ?? frame.plaintext;
    const sealedLength = this.sealedLength(body.length);
    const storedLength = sealedLength + TAG_BYTES;
    const info = describe(frame, compressed ? Codec.CODEC_ZSTD : Codec.CODEC_RAW, storedLength, this.options.context);

    const stored =
      out && out.length >= storedLength ? out.subarray(0, storedLength) : Buffer.allocUnsafeSlow(storedLength);
    const head = Buffer.alloc(BODY_LENGTH_BYTES);
    head.writeUInt32LE(body.length);
    const parts = [head, body];
    for (let left = sealedLength - head.length - body.length; left > 0; left -= ZEROS.length)
      parts.push(ZEROS.subarray(0, left));
    this.codec.seal(deriveFrameKey(this.keys, info), frameBinding(this.options.context, info), parts, stored);
    return { stored, entry: { ...info, storedCheck: frameCheck(stored, this.codec) } };
  }

  private sealedLength(bodyLength: number): number {
    const unpadded = BODY_LENGTH_BYTES + bodyLength;
    return this.options.padded ? padmeLength(unpadded) : unpadded;
  }
}

const UNKNOWN_CHECK = Buffer.alloc(FRAME_CHECK_BYTES);

function describe(
  frame: PlainFrame,
  codec: Codec,
  storedLength: number,
  context: FrameContext,
): Omit<FrameEntry, 'offset'> {
  const withEdges = frame.chunks.some((chunk) => chunk.edges !== undefined);
  const entry = {
    storedLength,
    codec,
    plainLength: frame.plaintext.length,
    storedCheck: UNKNOWN_CHECK,
    chunkIds: Buffer.concat(frame.chunks.map((chunk) => chunk.id)),
    chunkLengths: frame.chunks.map((chunk) => chunk.length),
    edges: withEdges ? frame.chunks.map((chunk) => Buffer.from(chunk.edges ?? NO_IDS)) : [],
  };
  try {
    checkFrameEntry({ offset: 0n, ...entry }, context.kind);
  } catch (cause) {
    throw unstorable('UNSTORABLE_FRAME', cause instanceof Error ? cause.message : String(cause));
  }
  return entry;
}
