import fs from 'node:fs';
import { crc32 } from 'node:zlib';
import { errorCode } from '../../platform/posix-error.js';
import {
  BLOCK_HEAD_BYTES,
  type CachedFile,
  type CacheRecord,
  COUNTS_BYTES,
  decodeRecord,
  MAGIC,
  MAX_BLOCK_BYTES,
} from './change-cache-format.js';
import type { ChangeStamp } from './file-entry.js';
import { sameStamp } from './scan-entry.js';

export type OpenedChangeCache =
  | { readonly status: 'valid'; readonly header: Buffer; readonly cursor: ChangeCacheCursor }
  /** To be treated as if there were none. */
  | { readonly status: 'absent'; readonly reason: string };

/** Reads a cache through once, checks every block, and only then hands it out. The caller closes the cursor. */
export function openChangeCache(file: string): OpenedChangeCache {
  let fd: number;
  try {
    fd = fs.openSync(file, 'r');
  } catch (error) {
    const reason = errorCode(error) === 'ENOENT' ? 'there is no change cache' : `it cannot be opened: ${String(error)}`;
    return { status: 'absent', reason };
  }
  try {
    const header = verify(new BlockReader(fd));
    const blocks = new BlockReader(fd);
    blocks.next();
    return { status: 'valid', header, cursor: new ChangeCacheCursor(fd, blocks) };
  } catch (error) {
    fs.closeSync(fd);
    return {
      status: 'absent',
      reason: `the change cache is damaged: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

/** Whether the content that the cache knows is still the file's: size, both times and inode, and the stamp can be relied on. */
export function isUnchanged(cached: CachedFile, stamp: ChangeStamp): boolean {
  return cached.stamp.settled && sameStamp(cached.stamp, stamp);
}

/**
 * Goes through a cache in lockstep with a walk: the calls follow the walk's events, the answers are what the cache has at that
 * place. What the walk no longer has is passed over.
 */
export class ChangeCacheCursor {
  private payload: Buffer = Buffer.alloc(0);
  private at = 0;
  private peeked: CacheRecord | undefined;
  private lost = false;
  /** Levels that the walk is in and the cache does not know. */
  private unknown = 0;

  constructor(
    private readonly fd: number,
    private readonly blocks: BlockReader,
  ) {}

  enterDirectory(name: Buffer): void {
    if (this.unknown === 0 && this.seek(name)?.kind === 'enter') this.take();
    else this.unknown++;
  }

  leaveDirectory(): void {
    if (this.unknown > 0) {
      this.unknown--;
      return;
    }
    while (this.peek() && this.peek()?.kind !== 'leave') this.skip();
    this.take();
  }

  /** The file of this name in the directory that the walk is in. */
  find(name: Buffer): CachedFile | undefined {
    if (this.unknown > 0) return undefined;
    const found = this.seek(name);
    if (found?.kind !== 'file') return undefined;
    this.take();
    return found.file;
  }

  close(): void {
    fs.closeSync(this.fd);
  }

  /** Passes over smaller names; the record of this name, if the directory has one. */
  private seek(name: Buffer): CacheRecord | undefined {
    for (;;) {
      const record = this.peek();
      if (!record || record.kind === 'leave') return undefined;
      const order = Buffer.compare(record.kind === 'file' ? record.file.name : record.name, name);
      if (order > 0) return undefined;
      if (order === 0) return record;
      this.skip();
    }
  }

  /** Passes over a file, or a directory with all it holds. */
  private skip(): void {
    let depth = 0;
    do {
      const record = this.take();
      if (!record) return;
      if (record.kind === 'enter') depth++;
      else if (record.kind === 'leave') depth--;
    } while (depth > 0);
  }

  private take(): CacheRecord | undefined {
    const record = this.peek();
    this.peeked = undefined;
    return record;
  }

  private peek(): CacheRecord | undefined {
    if (this.peeked) return this.peeked;
    if (this.lost) return undefined;
    try {
      while (this.at === this.payload.length) {
        const next = this.blocks.next();
        if (!next) return undefined;
        this.payload = next;
        this.at = 0;
      }
      const { record, next } = decodeRecord(this.payload, this.at);
      this.at = next;
      this.peeked = record;
      return record;
    } catch {
      // It was whole when it was opened, and its disk fails now: what it knew is read again.
      this.lost = true;
      return undefined;
    }
  }
}

function verify(blocks: BlockReader): Buffer {
  const header = blocks.next();
  if (!header) throw new Error('it has no header');
  let records = 0n;
  let depth = 0;
  for (let payload = blocks.next(); payload; payload = blocks.next()) {
    for (let at = 0; at < payload.length; records++) {
      const { record, next } = decodeRecord(payload, at);
      if (record.kind === 'enter') depth++;
      else if (record.kind === 'leave' && --depth < 0) throw new Error('its directories do not match');
      at = next;
    }
  }
  if (depth !== 0 || blocks.counted !== records) throw new Error('it is not whole');
  return header;
}

class BlockReader {
  /** Records that the end block promises. */
  counted: bigint | undefined;
  private position = MAGIC.length;
  private readonly size: number;

  constructor(private readonly fd: number) {
    this.size = fs.fstatSync(fd).size;
    const magic = read(fd, 0, MAGIC.length);
    if (!magic.equals(MAGIC)) throw new Error('it is no change cache of this version');
  }

  /** The payload of the next block; undefined at the end. */
  next(): Buffer | undefined {
    const head = read(this.fd, this.position, BLOCK_HEAD_BYTES);
    const length = head.readUInt32LE(0);
    if (length > MAX_BLOCK_BYTES || this.position + BLOCK_HEAD_BYTES + length > this.size)
      throw new Error('a block is too long');
    const payload = read(this.fd, this.position + BLOCK_HEAD_BYTES, length || COUNTS_BYTES);
    if (crc32(payload) !== head.readUInt32LE(4)) throw new Error('a checksum does not match');
    if (length === 0) {
      this.counted = payload.readBigUInt64LE(0);
      return undefined;
    }
    this.position += BLOCK_HEAD_BYTES + length;
    return payload;
  }
}

function read(fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const got = fs.readSync(fd, buffer, at, length - at, position + at);
    if (got === 0) throw new Error('it is cut off');
    at += got;
  }
  return buffer;
}
