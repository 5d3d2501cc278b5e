import { sha256 } from '@holdfast/core/engine';
import type Database from 'better-sqlite3';
import { ENTRY_BYTES, isSound, seal } from './entry.js';
import type { EntryStatements } from './entry-statements.js';
import { indexDamaged } from './index-errors.js';
import type { PieceFile } from './piece-file.js';
import type { Piece } from './run.js';

/** Pieces written between two moments at which the disk is waited for. */
const PIECES_BETWEEN_SYNCS = 16;

/**
 * Where the entries of pieces lie. Rows and file are flushed apart, so a power cut may leave a row whose
 * entries never came to the disk: each row has a hash, and those that are not known to be durable are
 * compared with it when the file is opened. A slot is used again only once the row that gave it up is
 * gone for good.
 */
export class PieceStore {
  private free: number[] = [];
  /** Given up, but perhaps not for good. */
  private released: number[] = [];
  private end = 0;
  private unsynced = 0;

  constructor(
    private readonly db: Database.Database,
    private readonly sql: EntryStatements,
    private readonly file: PieceFile,
  ) {
    const used = new Set(sql.slots.all());
    for (const slot of used) this.end = Math.max(this.end, slot + 1);
    for (let slot = 0; slot < this.end; slot++) if (!used.has(slot)) this.free.push(slot);
    // What gave these slots up, or the pieces above, may be known to this process and not yet to the disk.
    this.unsynced = sql.countUnsynced.get() ?? 0;
    if (this.unsynced > 0 || this.free.length > 0) this.sync();
  }

  /** Into a slot of its own. When the transaction around this fails, the slot stays unused until the next start. */
  write(entries: Buffer): { readonly slot: number; readonly sha256: Buffer } {
    const slot = this.free.pop() ?? this.end++;
    const first = this.placeOf(this.offsetOf(slot, 0));
    for (let at = 0; at < entries.length; at += ENTRY_BYTES) seal(entries, at, first + at / ENTRY_BYTES);
    this.file.write(slot, entries);
    this.unsynced += 1;
    return { slot, sha256: sha256(entries) };
  }

  /** The rows of these pieces are deleted. */
  release(pieces: readonly Piece[]): void {
    for (const { slot } of pieces) this.released.push(slot);
  }

  offsetOf(slot: number, position: number): number {
    return this.file.offsetOf(slot) + position * ENTRY_BYTES;
  }

  /** Fills the buffer with the entries that begin at this offset. Throws Integrity for any that is not as it was written. */
  read(offset: number, into: Buffer): void {
    this.file.read(offset, into);
    const first = this.placeOf(offset);
    for (let at = 0; at < into.length; at += ENTRY_BYTES)
      if (!isSound(into, at, first + at / ENTRY_BYTES)) throw indexDamaged();
  }

  private placeOf(offset: number): number {
    return offset / ENTRY_BYTES;
  }

  syncIfDue(): void {
    if (this.unsynced >= PIECES_BETWEEN_SYNCS) this.sync();
  }

  close(): void {
    if (this.unsynced > 0) this.sync();
    this.file.close();
  }

  private sync(): void {
    this.file.sync();
    this.db.pragma('synchronous = FULL');
    try {
      this.sql.setDurablePiece.run(this.sql.lastPiece.get() ?? 0);
    } finally {
      this.db.pragma('synchronous = NORMAL');
    }
    this.free = [...this.free, ...this.released];
    this.released = [];
    this.unsynced = 0;
  }
}

/** Whether the file holds what these rows say that it does. */
export function holdsDoubtfulPieces(sql: EntryStatements, file: PieceFile): boolean {
  for (const { slot, entries, sha256: expected } of sql.doubtfulPieces.iterate()) {
    const bytes = Buffer.alloc(entries * ENTRY_BYTES);
    if (!Buffer.isBuffer(expected) || !file.readAll(slot, bytes) || !sha256(bytes).equals(expected)) return false;
  }
  return true;
}
