import fs from 'node:fs';
import { dirname } from 'node:path';
import { HoldfastError } from '@holdfast/core/errors';
import { stateFailure } from '../../state/state-failure.js';

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

  constructor(private readonly path: string) {
    this.fd = this.onDisk(() => {
      fs.rmSync(path, { force: true });
      const fd = fs.openSync(path, 'wx+', 0o600);
      fs.unlinkSync(path);
      return fd;
    });
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
      const got = this.onDisk(() => fs.readSync(this.fd, claims, at, claims.length - at, from * CLAIM_BYTES + at));
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

  /** Throws Unavailable with what the disk says. */
  private onDisk<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw stateFailure(dirname(this.path), error);
    }
  }

  private flush(): void {
    const length = this.buffered * CLAIM_BYTES;
    this.onDisk(() => {
      for (let at = 0; at < length; )
        at += fs.writeSync(this.fd, this.buffer, at, length - at, this.written * CLAIM_BYTES + at);
    });
    this.written += this.buffered;
    this.buffered = 0;
  }
}
