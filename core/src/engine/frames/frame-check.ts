import { type CipherGCM, createCipheriv } from 'node:crypto';
import { sha256 } from '../chunks/hmac-sha256.js';
import { type FrameCodec, nodeCodec } from './frame-codec.js';

export const FRAME_CHECK_BYTES = 16;
const PUBLIC_KEY = sha256(Buffer.from('holdfast frame check v1', 'ascii'));
const NONCE = Buffer.alloc(12);

/**
 * What tells a frame's stored bytes from others: GMAC (NIST SP 800-38D), for a fraction of what a cryptographic hash costs. The entry of a frame has it under a key
 * that everybody knows; that guards against accidents alone, for whoever knows the key can make other bytes fit. A gateway keeps it under a secret of its own as well, which whoever writes to
 * a store does not have. One nonce does for all, as those checks never leave the gateway.
 */
export function frameCheck(stored: Uint8Array, codec: Pick<FrameCodec, 'seal'> = nodeCodec, key = PUBLIC_KEY): Buffer {
  const check = Buffer.allocUnsafe(FRAME_CHECK_BYTES);
  codec.seal(key, stored, [], check);
  return check;
}

/** The same of bytes that come in pieces. */
export class RunningFrameCheck {
  private readonly cipher: CipherGCM;

  constructor(key = PUBLIC_KEY) {
    this.cipher = createCipheriv('aes-256-gcm', key, NONCE);
  }

  update(piece: Uint8Array): void {
    this.cipher.setAAD(piece);
  }

  /** Nothing can be done with the object after it. */
  digest(): Buffer {
    this.cipher.final();
    return this.cipher.getAuthTag();
  }
}
