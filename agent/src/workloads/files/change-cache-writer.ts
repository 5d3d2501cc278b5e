import fs from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { syncDirectory } from '../../platform/durability.js';
import {
  BLOCK_BYTES,
  BLOCK_HEAD_BYTES,
  type CacheRecord,
  COUNTS_BYTES,
  encodeRecord,
  MAGIC,
  MAX_BLOCK_BYTES,
} from './change-cache-format.js';

const BLOCKS_BETWEEN_TURNS = 16;

/** The cache's disk does not take it; the cause is the failed system call. */
export class UnwritableChangeCacheError extends Error {
  override readonly name = 'UnwritableChangeCacheError';
}

/** Writes a change cache in the order of a walk. Nothing counts before `commit`. Throws `UnwritableChangeCacheError`. */
export class ChangeCacheWriter {
  private readonly fd: number;
  private readonly temporary: string;
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  private blocks = 0;
  private open = true;

  /** `header` says what the cache stands for (the point, the generation); the reader gets it back as it is. */
  constructor(
    private readonly file: string,
    header: Buffer,
  ) {
    if (header.length === 0 || header.length > MAX_BLOCK_BYTES)
      throw new RangeError('a header is 1 byte to 16 MiB long');
    this.temporary = `${file}.new`;
    this.fd = orUnwritable(() => {
      fs.rmSync(this.temporary, { force: true });
      return fs.openSync(this.temporary, 'wx', 0o600);
    });
    try {
      this.write(MAGIC);
      this.writeBlock(header.length, header);
    } catch (error) {
      this.discard();
      throw error;
    }
  }

  add(record: CacheRecord): void {
    this.addEncoded(encodeRecord(record));
  }

  /** Takes over what an earlier cache has of a directory, with its end. */
  async addRecords(records: () => Iterable<Buffer>): Promise<void> {
    const iterator = orUnwritable(() => records()[Symbol.iterator]());
    for (let blocks = 1; ; blocks++) {
      const next = orUnwritable(() => iterator.next());
      if (next.done === true) return;
      this.addEncoded(next.value);
      // A tree of millions has a gigabyte of them.
      if (blocks % BLOCKS_BETWEEN_TURNS === 0) await setImmediate();
    }
  }

  /** Makes the cache durable under its name, in place of the one before. */
  commit(): void {
    this.flush();
    const counts = Buffer.alloc(COUNTS_BYTES);
    counts.writeBigUInt64LE(BigInt(this.blocks));
    this.writeBlock(0, counts);
    orUnwritable(() => {
      fs.fsyncSync(this.fd);
      this.close();
      fs.renameSync(this.temporary, this.file);
      syncDirectory(Buffer.from(path.dirname(this.file)));
    });
  }

  /** Gives it up, if it was not committed. */
  discard(): void {
    if (!this.open) return;
    try {
      this.close();
      fs.rmSync(this.temporary, { force: true });
    } catch {
      // What cannot be removed now is removed when the next cache is made.
    }
  }

  private addEncoded(encoded: Buffer): void {
    this.waiting.push(encoded);
    this.waitingBytes += encoded.length;
    if (this.waitingBytes >= BLOCK_BYTES) this.flush();
  }

  private flush(): void {
    if (this.waitingBytes === 0) return;
    const payload = Buffer.concat(this.waiting, this.waitingBytes);
    this.waiting = [];
    this.waitingBytes = 0;
    this.writeBlock(payload.length, payload);
  }

  private writeBlock(length: number, payload: Buffer): void {
    const head = Buffer.alloc(BLOCK_HEAD_BYTES);
    head.writeUInt32LE(length, 0);
    head.writeUInt32LE(crc32(payload), 4);
    this.write(Buffer.concat([head, payload]));
    if (length > 0) this.blocks++;
  }

  private write(bytes: Buffer): void {
    orUnwritable(() => {
      for (let at = 0; at < bytes.length; ) at += fs.writeSync(this.fd, bytes, at);
    });
  }

  private close(): void {
    this.open = false;
    fs.closeSync(this.fd);
  }
}

function orUnwritable<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof UnwritableChangeCacheError) throw error;
    throw new UnwritableChangeCacheError('the change cache cannot be written', { cause: error });
  }
}
