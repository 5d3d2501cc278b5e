import { KIB } from '../format/limits.js';
import type { FrameCodec } from './frame-codec.js';

// Compression that saves less than this costs a reader more than it is worth.
const WORTHWHILE = 0.97;
const PROBE_FROM_BYTES = 256 * KIB;
const PROBE_PIECES = 4;
const PROBE_PIECE_BYTES = 8 * KIB;

const probe = Buffer.alloc(PROBE_PIECES * PROBE_PIECE_BYTES);

/** The compressed bytes, or undefined where storing the plaintext as it is serves better. Good until the codec compresses again. */
export function compressIfWorthwhile(
  codec: Pick<FrameCodec, 'compress'>,
  plaintext: Uint8Array,
): Uint8Array | undefined {
  if (plaintext.length >= PROBE_FROM_BYTES && !sampleCompresses(codec, plaintext)) return undefined;
  const compressed = codec.compress(plaintext);
  return compressed.length < plaintext.length * WORTHWHILE ? compressed : undefined;
}

// Four pieces spread over the frame tell media and archives apart for a tenth of the cost of trying.
function sampleCompresses(codec: Pick<FrameCodec, 'compress'>, plaintext: Uint8Array): boolean {
  const stride = Math.floor((plaintext.length - PROBE_PIECE_BYTES) / (PROBE_PIECES - 1));
  for (let piece = 0; piece < PROBE_PIECES; piece++) {
    const from = piece * stride;
    probe.set(plaintext.subarray(from, from + PROBE_PIECE_BYTES), piece * PROBE_PIECE_BYTES);
  }
  return codec.compress(probe).length < probe.length * WORTHWHILE;
}
