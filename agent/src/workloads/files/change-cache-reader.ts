import fs from 'node:fs';
import { crc32 } from 'node:zlib';
import { errorCode } from '../../platform/posix-error.js';
import {
  BLOCK_HEAD_BYTES,
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
    const header = verify(new BlockReader(fd, MAGIC.length));
    const blocks = new BlockReader(fd, MAGIC.length);
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

/** Whether an entry is still what the cache knows: size, both times and inode, and the stamp can be relied on. */
export function isUnchanged(cached: CacheRecord, stamp: ChangeStamp): boolean {
  return cached.stamp.settled && sameStamp(cached.stamp, stamp);
}

/** What a cache has of a directory, once the walk has left it. */
export interface CachedDirectory {
  /** Everything that the cache has in it was found. */
  readonly whole: boolean;
  /** To the directory as a whole; empty where there is none. */
  readonly reference: Buffer;
  /** What the cache has in it, and its end, as they stand there. Good until the cursor is closed; throws when they cannot be read. */
  readonly records: () => Iterable<Buffer>;
}

/** A place between two records. */
interface Place {
  /** Where the block stands in the file. */
  readonly block: number;
  /** In its payload. */
  readonly at: number;
}

/** A directory that both the walk and the cursor are in. */
interface Level {
  readonly from: Place;
  whole: boolean;
}

/**
 * Goes through a cache in lockstep with a walk: the calls follow the walk, the answers are what the cache has at that
 * place. What the walk no longer has is passed over.
 */
export class ChangeCacheCursor {
  private payload: Buffer = Buffer.alloc(0);
  private block = 0;
  private at = 0;
  private peeked: CacheRecord | undefined;
  private afterPeeked = 0;
  private lost = false;
  private readonly levels: Level[] = [];
  /** Levels that the walk is in and the cache does not know. */
  private unknown = 0;

  constructor(
    private readonly fd: number,
    private readonly blocks: BlockReader,
  ) {}

  /** What the cache knows of the directory itself. */
  enterDirectory(name: Buffer): CacheRecord | undefined {
    const found = this.unknown === 0 ? this.seek(name) : undefined;
    if (found?.kind !== 'enter') {
      this.unknown++;
      return undefined;
    }
    this.take();
    this.levels.push({ from: this.place(), whole: true });
    return found;
  }

  /** Undefined for a directory that the cache does not know. */
  leaveDirectory(): CachedDirectory | undefined {
    if (this.unknown > 0) {
      this.unknown--;
      return undefined;
    }
    const level = this.levels.at(-1);
    while (this.peek() && this.peek()?.kind !== 'leave') this.passOver();
    const end = this.take();
    this.levels.pop();
    if (level === undefined || end === undefined) return undefined;
    const to = this.place();
    // A copy: it may be kept for long, and would keep its block.
    return {
      whole: level.whole,
      reference: Buffer.from(end.reference),
      records: () => this.recordsBetween(level.from, to),
    };
  }

  /** The entry of this name in the directory that the walk is in, if it is no directory. */
  find(name: Buffer): CacheRecord | undefined {
    const found = this.unknown === 0 ? this.seek(name) : undefined;
    if (found === undefined || found.kind === 'enter') return undefined;
    this.take();
    return found;
  }

  close(): void {
    fs.closeSync(this.fd);
  }

  /** Passes over smaller names; the record of this name, if the directory has one. */
  private seek(name: Buffer): CacheRecord | undefined {
    for (;;) {
      const record = this.peek();
      if (!record || record.kind === 'leave') return undefined;
      const order = Buffer.compare(record.name, name);
      if (order > 0) return undefined;
      if (order === 0) return record;
      this.passOver();
    }
  }

  /** Passes over an entry; a directory with all it holds. */
  private passOver(): void {
    const level = this.levels.at(-1);
    if (level) level.whole = false;
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
    if (record !== undefined) this.at = this.afterPeeked;
    this.peeked = undefined;
    return record;
  }

  private peek(): CacheRecord | undefined {
    if (this.peeked) return this.peeked;
    if (this.lost) return undefined;
    try {
      while (this.at === this.payload.length) {
        this.block = this.blocks.position;
        const next = this.blocks.next();
        this.payload = next ?? Buffer.alloc(0);
        this.at = 0;
        if (!next) return undefined;
      }
      const { record, next } = decodeRecord(this.payload, this.at);
      this.peeked = record;
      this.afterPeeked = next;
      return record;
    } catch {
      // It was whole when it was opened, and its disk fails now: what it knew is read again.
      this.lost = true;
      return undefined;
    }
  }

  private place(): Place {
    return { block: this.block, at: this.at };
  }

  private *recordsBetween(from: Place, to: Place): Generator<Buffer> {
    const blocks = new BlockReader(this.fd, from.block);
    for (let start = from.at; ; start = 0) {
      const isLast = blocks.position === to.block;
      const payload = blocks.next();
      if (payload === undefined) return;
      const records = payload.subarray(start, isLast ? to.at : payload.length);
      if (records.length > 0) yield records;
      if (isLast) return;
    }
  }
}

/** Every block's checksum, and that none is missing. The header. */
function verify(blocks: BlockReader): Buffer {
  const header = blocks.next();
  if (!header) throw new Error('it has no header');
  let count = 1n;
  while (blocks.next()) count++;
  if (blocks.counted !== count) throw new Error('it is not whole');
  return header;
}

class BlockReader {
  /** Blocks that the end promises. */
  counted: bigint | undefined;
  private readonly size: number;

  constructor(
    private readonly fd: number,
    /** Where the next block begins. */
    public position: number,
  ) {
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
  const buffer = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; ) {
    const got = fs.readSync(fd, buffer, at, length - at, position + at);
    if (got === 0) throw new Error('it is cut off');
    at += got;
  }
  return buffer;
}
