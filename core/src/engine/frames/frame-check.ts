import { type CipherGCM, createCipheriv } from 'node:crypto';
import { sha256 } from '../chunks/hmac-sha256.js';
import { type FrameCodec, nodeCodec } from './frame-codec.js';

export const FRAME_CHECK_BYTES = 16;
const KEY = sha256(Buffer.from('holdfast frame check v1', 'ascii'));
const NONCE = Buffer.alloc(12);

/**
 * What tells a frame's stored bytes from whatever an accident makes of them: GMAC (NIST SP 800-38D) under a key that everybody knows, for a fraction of what
 * a cryptographic hash costs. It guards against no malice, for whoever knows the key can make other bytes fit: the frame's seal does.
 */
export function frameCheck(stored: Uint8Array, codec: Pick<FrameCodec, 'seal'> = nodeCodec): Buffer {
  const check = Buffer.allocUnsafe(FRAME_CHECK_BYTES);
  codec.seal(KEY, stored, [], check);
  return check;
}

/** The same of bytes that come in pieces. */
export class RunningFrameCheck {
  private readonly cipher: CipherGCM = createCipheriv('aes-256-gcm', KEY, NONCE);

  update(piece: Uint8Array): void {
    this.cipher.setAAD(piece);
  }

  /** Nothing can be done with the object after it. */
  digest(): Buffer {
    this.cipher.final();
    return this.cipher.getAuthTag();
  }
}
