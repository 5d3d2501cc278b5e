import { createCipheriv, createDecipheriv } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { asBuffer } from '../format/canonical.js';
import { KIB } from '../format/limits.js';
import { isOneZstdFrame } from './zstd-frame.js';

/**
 * What frames are made with: zstd and AES-256-GCM with the nonce 0. Whoever has nothing better takes `nodeCodec`; a host with many frames to make may
 * have one that writes to memory at hand. All frames under one session key are compressed by one codec, which gives the same bytes for the same
 * plaintext every time.
 */
export interface FrameCodec {
  /** At level 1. Good until the next call. */
  compress(plaintext: Uint8Array): Uint8Array;
  /**
   * Undefined unless the body is one zstd frame of exactly so many bytes (`isOneZstdFrame`): all codecs take and refuse the same. Never allocates for
   * more than that.
   */
  decompress(body: Uint8Array, length: number): Buffer | undefined;
  /** Writes the parts, one after another, sealed, and then the tag to `out`, which has room for exactly that. */
  seal(key: Uint8Array, binding: Uint8Array, parts: readonly Uint8Array[], out: Buffer): void;
  /**
   * Opens what `seal` wrote: to `out`, which has room for all but the tag, or where it is good until the next call. Undefined if it is not authentic.
   */
  open(key: Uint8Array, binding: Uint8Array, sealed: Uint8Array, out?: Buffer): Buffer | undefined;
}

export const TAG_BYTES = 16;
const NONCE = Buffer.alloc(12);
// Fresh outputs of a few pages stay in the cache; one of a MiB pays a page fault per page.
const CIPHER_STEP = 32 * KIB;

/** With what Node has. */
export const nodeCodec: FrameCodec = {
  compress(plaintext) {
    return zstdCompressSync(plaintext, {
      // Room for whatever comes out (ZSTD_compressBound): the bytes are then compressed where they are, and not by way of a window.
      chunkSize: plaintext.length + (plaintext.length >>> 8) + KIB,
      params: { [constants.ZSTD_c_compressionLevel]: 1 },
    });
  },

  decompress(body, length) {
    if (!isOneZstdFrame(body, length)) return undefined;
    try {
      const plaintext = zstdDecompressSync(body, { maxOutputLength: length, chunkSize: Math.max(length, 64) });
      return plaintext.length === length ? plaintext : undefined;
    } catch {
      return undefined;
    }
  },

  seal(key, binding, parts, out) {
    const cipher = createCipheriv('aes-256-gcm', key, NONCE);
    cipher.setAAD(binding);
    let at = 0;
    for (const part of parts) {
      for (let from = 0; from < part.length; from += CIPHER_STEP) {
        const piece = cipher.update(part.subarray(from, from + CIPHER_STEP));
        out.set(piece, at);
        at += piece.length;
      }
    }
    cipher.final();
    out.set(cipher.getAuthTag(), at);
  },

  open(key, binding, sealed, out) {
    const bytes = asBuffer(sealed);
    const length = bytes.length - TAG_BYTES;
    const opened = out ?? Buffer.allocUnsafeSlow(length);
    const decipher = createDecipheriv('aes-256-gcm', key, NONCE, { authTagLength: TAG_BYTES });
    decipher.setAAD(binding);
    decipher.setAuthTag(bytes.subarray(length));
    for (let at = 0; at < length; at += CIPHER_STEP)
      opened.set(decipher.update(bytes.subarray(at, Math.min(at + CIPHER_STEP, length))), at);
    try {
      decipher.final();
      return opened;
    } catch {
      // What was decrypted so far is not authentic, and `out` belongs to the caller.
      opened.fill(0);
      return undefined;
    }
  },
};
