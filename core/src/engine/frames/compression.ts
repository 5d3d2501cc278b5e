import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { damaged } from '../format/format-errors.js';
import { KIB } from '../format/limits.js';

// Compression that saves less than this costs a reader more than it is worth.
const WORTHWHILE = 0.97;
const PROBE_FROM_BYTES = 256 * KIB;
const PROBE_PIECES = 4;
const PROBE_PIECE_BYTES = 8 * KIB;
// 2^23 = the longest frame: a window beyond it can only be an attempt to make a reader allocate.
const WINDOW_LOG_MAX = 23;

const probe = Buffer.alloc(PROBE_PIECES * PROBE_PIECE_BYTES);

/** The compressed bytes, or undefined where storing the plaintext as it is serves better. */
export function compressIfWorthwhile(plaintext: Uint8Array): Buffer | undefined {
  if (plaintext.length >= PROBE_FROM_BYTES && !sampleCompresses(plaintext)) return undefined;
  const compressed = compress(plaintext);
  return compressed.length < plaintext.length * WORTHWHILE ? compressed : undefined;
}

function compress(bytes: Uint8Array): Buffer {
  return zstdCompressSync(bytes, {
    // Room for whatever comes out (ZSTD_compressBound): the bytes are then compressed where they are, and not by way of a window.
    chunkSize: bytes.length + (bytes.length >>> 8) + KIB,
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
  });
}

// Four pieces spread over the frame tell media and archives apart for a tenth of the cost of trying.
function sampleCompresses(plaintext: Uint8Array): boolean {
  const stride = Math.floor((plaintext.length - PROBE_PIECE_BYTES) / (PROBE_PIECES - 1));
  for (let piece = 0; piece < PROBE_PIECES; piece++) {
    const from = piece * stride;
    probe.set(plaintext.subarray(from, from + PROBE_PIECE_BYTES), piece * PROBE_PIECE_BYTES);
  }
  return compress(probe).length < probe.length * WORTHWHILE;
}

/** Exactly `length` bytes, or Integrity: never allocates for more than that. */
export function decompress(body: Uint8Array, length: number): Buffer {
  let plaintext: Buffer;
  try {
    plaintext = zstdDecompressSync(body, {
      maxOutputLength: length,
      chunkSize: Math.max(length, 64),
      params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX },
    });
  } catch (cause) {
    throw damaged('FRAME_NOT_DECOMPRESSED', 'A frame does not decompress to the length it states.', undefined, cause);
  }
  if (plaintext.length !== length) {
    throw damaged('FRAME_NOT_DECOMPRESSED', 'A frame does not decompress to the length it states.');
  }
  return plaintext;
}
