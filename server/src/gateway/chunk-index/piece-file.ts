import { closeSync, constants, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { indexDamaged } from './index-errors.js';

/**
 * The entries of pieces, in slots of one size. A plain file, because reading one entry of it is one system
 * call: a page of a database costs twice that, and a mapped one can end the process when the disk fails.
 */
export class PieceFile {
  private readonly file: number;

  constructor(
    path: string,
    private readonly slotBytes: number,
  ) {
    this.file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  }

  /** How many slots the file has, the last one perhaps not filled. */
  slots(): number {
    return Math.ceil(fstatSync(this.file).size / this.slotBytes);
  }

  offsetOf(slot: number): number {
    return slot * this.slotBytes;
  }

  write(slot: number, entries: Buffer): void {
    for (let done = 0; done < entries.length; )
      done += writeSync(this.file, entries, done, entries.length - done, this.offsetOf(slot) + done);
  }

  /** Fills `into` with bytes of the file. Throws Integrity where it ends before. */
  read(offset: number, into: Buffer): void {
    if (!this.tryRead(offset, into)) throw indexDamaged();
  }

  /** The same, from the beginning of a slot; false where the file ends before. */
  readAll(slot: number, into: Buffer): boolean {
    return this.tryRead(this.offsetOf(slot), into);
  }

  /** What was written is on the disk. */
  sync(): void {
    fdatasyncSync(this.file);
  }

  close(): void {
    closeSync(this.file);
  }

  private tryRead(offset: number, into: Buffer): boolean {
    for (let done = 0; done < into.length; ) {
      const read = readSync(this.file, into, done, into.length - done, offset + done);
      if (read === 0) return false;
      done += read;
    }
    return true;
  }
}
