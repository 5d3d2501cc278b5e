import fs from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { syncDirectory } from '../../platform/durability.js';
import {
  BLOCK_BYTES,
  BLOCK_HEAD_BYTES,
  type CachedFile,
  type CacheRecord,
  COUNTS_BYTES,
  encodeRecord,
  MAGIC,
  MAX_BLOCK_BYTES,
} from './change-cache-format.js';

/** Writes a change cache in the order of a walk. Nothing counts before `commit`. */
export class ChangeCacheWriter {
  private readonly fd: number;
  private readonly temporary: string;
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  private records = 0;
  private open = true;

  /** `header` says what the cache stands for (the point, the generation); the reader gets it back as it is. */
  constructor(
    private readonly file: string,
    header: Buffer,
  ) {
    this.temporary = `${file}.new`;
    fs.rmSync(this.temporary, { force: true });
    this.fd = fs.openSync(this.temporary, 'wx', 0o600);
    fs.writeSync(this.fd, MAGIC);
    if (header.length === 0 || header.length > MAX_BLOCK_BYTES)
      throw new RangeError('a header is 1 byte to 16 MiB long');
    this.writeBlock(header.length, header);
  }

  enterDirectory(name: Buffer): void {
    this.add({ kind: 'enter', name });
  }

  addFile(file: CachedFile): void {
    this.add({ kind: 'file', file });
  }

  leaveDirectory(): void {
    this.add({ kind: 'leave' });
  }

  /** Makes the cache durable under its name, in place of the one before. */
  commit(): void {
    this.flush();
    const counts = Buffer.alloc(COUNTS_BYTES);
    counts.writeBigUInt64LE(BigInt(this.records));
    this.writeBlock(0, counts);
    fs.fsyncSync(this.fd);
    this.close();
    fs.renameSync(this.temporary, this.file);
    syncDirectory(Buffer.from(path.dirname(this.file)));
  }

  /** Gives it up, if it was not committed. */
  discard(): void {
    if (!this.open) return;
    this.close();
    fs.rmSync(this.temporary, { force: true });
  }

  private add(record: CacheRecord): void {
    const encoded = encodeRecord(record);
    this.waiting.push(encoded);
    this.waitingBytes += encoded.length;
    this.records++;
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
    const block = Buffer.concat([head, payload]);
    for (let at = 0; at < block.length; ) at += fs.writeSync(this.fd, block, at);
  }

  private close(): void {
    fs.closeSync(this.fd);
    this.open = false;
  }
}
