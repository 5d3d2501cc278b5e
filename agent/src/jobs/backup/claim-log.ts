import fs from 'node:fs';
import { HoldfastError } from '@holdfast/core/errors';

const CLAIM_BYTES = 32;
const BUFFERED_CLAIMS = 2_048;

/**
 * Every claim of a session, in the order they came: should the gateway lose the session, all of them are asked about anew. On the disk,
 * for there is one per chunk; without a name, so nothing is left of it however the process ends.
 */
export class ClaimLog {
  private readonly fd: number;
  private readonly buffer = Buffer.allocUnsafeSlow(BUFFERED_CLAIMS * CLAIM_BYTES);
  private buffered = 0;
  private written = 0;
  private closed = false;

  constructor(path: string) {
    fs.rmSync(path, { force: true });
    this.fd = fs.openSync(path, 'wx+', 0o600);
    fs.unlinkSync(path);
  }

  get size(): number {
    return this.written + this.buffered;
  }

  append(claim: Buffer): void {
    this.assertOpen();
    this.buffer.set(claim, this.buffered * CLAIM_BYTES);
    this.buffered += 1;
    if (this.buffered === BUFFERED_CLAIMS) this.flush();
  }

  /** Claims `from` up to at most `limit` further, concatenated. */
  slice(from: number, limit: number): Buffer {
    this.assertOpen();
    this.flush();
    const claims = Buffer.alloc(Math.max(0, Math.min(limit, this.size - from)) * CLAIM_BYTES);
    for (let at = 0; at < claims.length; ) {
      const got = fs.readSync(this.fd, claims, at, claims.length - at, from * CLAIM_BYTES + at);
      if (got === 0) throw new RangeError('the log of claims is shorter than what was written to it');
      at += got;
    }
    return claims;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    fs.closeSync(this.fd);
  }

  /** Its descriptor may be another file's by now. */
  private assertOpen(): void {
    if (this.closed)
      throw new HoldfastError({ kind: 'IllegalState', code: 'BACKUP_OVER', message: 'This backup has ended.' });
  }

  private flush(): void {
    const length = this.buffered * CLAIM_BYTES;
    for (let at = 0; at < length; )
      at += fs.writeSync(this.fd, this.buffer, at, length - at, this.written * CLAIM_BYTES + at);
    this.written += this.buffered;
    this.buffered = 0;
  }
}
