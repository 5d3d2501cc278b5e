import { closeSync, constants, fdatasyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { ENTRY_BYTES } from './entry.js';

/**
 * magic (8) ‖ u32le version ‖ index id (16) ‖ secret (12) ‖ u48le entries that are durable ‖ u32le checksum; zeros up to the first entry.
 * In one sector, so that it is written whole or not at all.
 */
const VERSION = 3;
const MAGIC = Buffer.from('hf-chunk');
const INDEX_ID_AT = 12;
const SECRET_AT = 28;
const DURABLE_AT = SECRET_AT + 12;
const CHECK_AT = DURABLE_AT + 6;
const HEADER_BYTES = 512;

export const SECRET_BYTES = DURABLE_AT - SECRET_AT;

export interface EntriesHeader {
  /** Drawn by the index when it was made. */
  readonly indexId: Buffer;
  /** Drawn when this file was made. */
  readonly secret: Buffer;
  /** Entries that are known to be on the disk: those of the first so many copies. */
  readonly durable: number;
}

/**
 * A plain file, because reading one entry of it is one system call: a page of a database costs twice that, and a mapped one can end the
 * process when the disk fails.
 */
export class EntriesFile {
  private readonly file: number;

  constructor(path: string) {
    this.file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  }

  /** Undefined for a file that is new, damaged, or of another version. */
  readHeader(): EntriesHeader | undefined {
    const bytes = Buffer.alloc(HEADER_BYTES);
    this.readAt(0, bytes);
    const isOurs = bytes.subarray(0, MAGIC.length).equals(MAGIC) && bytes.readUInt32LE(MAGIC.length) === VERSION;
    if (!isOurs || bytes.readUInt32LE(CHECK_AT) !== crc32(bytes.subarray(0, CHECK_AT))) return undefined;
    return {
      indexId: bytes.subarray(INDEX_ID_AT, SECRET_AT),
      secret: bytes.subarray(SECRET_AT, DURABLE_AT),
      durable: bytes.readUIntLE(DURABLE_AT, 6),
    };
  }

  writeHeader({ indexId, secret, durable }: EntriesHeader): void {
    const bytes = Buffer.alloc(HEADER_BYTES);
    MAGIC.copy(bytes);
    bytes.writeUInt32LE(VERSION, MAGIC.length);
    indexId.copy(bytes, INDEX_ID_AT);
    secret.copy(bytes, SECRET_AT);
    bytes.writeUIntLE(durable, DURABLE_AT, 6);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, CHECK_AT)), CHECK_AT);
    this.writeAt(0, bytes);
  }

  /** Fills `into` with entries from that of this copy on. False where the file ends before; then the rest is left as it was. */
  read(copy: number, into: Uint8Array): boolean {
    return this.readAt(offsetOf(copy), into);
  }

  write(copy: number, entries: Uint8Array): void {
    this.writeAt(offsetOf(copy), entries);
  }

  /** What was written is on the disk. */
  sync(): void {
    fdatasyncSync(this.file);
  }

  /** Takes all entries away. */
  empty(): void {
    ftruncateSync(this.file, HEADER_BYTES);
  }

  close(): void {
    closeSync(this.file);
  }

  private readAt(offset: number, into: Uint8Array): boolean {
    for (let done = 0; done < into.length; ) {
      const read = readSync(this.file, into, done, into.length - done, offset + done);
      if (read === 0) return false;
      done += read;
    }
    return true;
  }

  private writeAt(offset: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; )
      done += writeSync(this.file, bytes, done, bytes.length - done, offset + done);
  }
}

function offsetOf(copy: number): number {
  return HEADER_BYTES + copy * ENTRY_BYTES;
}
