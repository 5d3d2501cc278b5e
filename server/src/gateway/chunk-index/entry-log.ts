import type { FrameIds } from './chunk-entries.js';
import { EntriesFile, type EntriesHeader, SECRET_BYTES } from './entries-file.js';
import { ENTRY_WORDS, ID_WORDS, isSameId, isSound, olderOf, packOf, seal, wordsOf, writeEntry } from './entry.js';
import { indexDamaged } from './index-errors.js';

/** Memory for new entries is kept for the next ones up to this size. */
const KEPT_WORDS = 1 << 18;
/** In the secret; what stands before it is for the tags of ids. */
const SALT_AT = 8;

export interface LogPlace {
  readonly path: string;
  readonly indexId: Buffer;
  readonly copies: number;
  readonly frameOf: (copy: number) => FrameIds;
  readonly draw: (bytes: number) => Buffer;
}

/** Takes in entries that were read in blocks. */
export interface DurableReader {
  /** So many entries will come, perhaps damaged ones. */
  foresee(words: Int32Array, count: number): void;
  /** False where the entry contradicts those before it. */
  takeIn(words: Int32Array, place: number, copy: number): boolean;
  /** The entry of this copy is of no use: appends another. */
  mend(copy: number): void;
}

/**
 * The entries of all copies in order of their numbers: those of the last pack in memory, all others in a file. It is derived from the
 * frames in the index file, which were durable before: nothing waits for it, and only what stands before `durable` is believed when it
 * is opened again.
 */
export class EntryLog {
  /** The number after the last copy's. */
  private last = 0;
  /** Entries before this one are in the file. */
  private written = 0;
  /** Those from `written` on. */
  private tail = new Int32Array(0);
  /** Where the entry stands that was looked at last. */
  words: Int32Array;
  at = 0;
  private readonly single = new Int32Array(ENTRY_WORDS);
  private readonly singleBytes = bytesOf(this.single);
  private readonly salt: number;
  private mayBecomeDurable = true;

  private constructor(
    private readonly file: EntriesFile,
    private header: EntriesHeader,
  ) {
    this.words = this.single;
    this.salt = header.secret.readInt32LE(SALT_AT);
  }

  /** Opens the file, or begins it anew where it is not one of this index as it is now. */
  static open(place: LogPlace): EntryLog {
    const file = new EntriesFile(place.path);
    try {
      const header = file.readHeader();
      if (header !== undefined && belongs(file, header, place)) return new EntryLog(file, header);
      return new EntryLog(file, begin(file, place));
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Another one for each file. */
  get secret(): Buffer {
    return this.header.secret;
  }

  get end(): number {
    return this.last;
  }

  get durable(): number {
    return this.header.durable;
  }

  /** Turns to the entry of a copy, for the questions below. Throws Integrity where it is not as it was written. */
  look(copy: number): void {
    if (copy >= this.written) {
      this.words = this.tail;
      this.at = (copy - this.written) * ENTRY_WORDS;
      return;
    }
    this.words = this.single;
    this.at = 0;
    if (!this.file.read(copy, this.singleBytes) || !isSound(this.single, 0, copy, this.salt)) throw indexDamaged();
  }

  isOf(ids: Int32Array, idAt: number): boolean {
    return isSameId(ids, idAt, this.words, this.at);
  }

  get pack(): number {
    return packOf(this.words, this.at);
  }

  /** The next older copy of the same chunk, or NO_COPY. */
  get older(): number {
    return olderOf(this.words, this.at);
  }

  /** In memory. Returns its copy's number. */
  append(ids: Int32Array, idAt: number, pack: number, older: number): number {
    const at = (this.last - this.written) * ENTRY_WORDS;
    this.reserve(at + ENTRY_WORDS);
    writeEntry(this.tail, at, { ids, idAt, pack, older });
    seal(this.tail, at, this.last, this.salt);
    return this.last++;
  }

  /** Entries from this one on, which are in memory, were not to be. */
  takeBack(end: number): void {
    this.last = end;
  }

  /** What is in memory comes into the file; where that fails, it stays. */
  writeOut(): void {
    if (this.last === this.written) return;
    this.file.write(this.written, bytesOf(this.tail.subarray(0, (this.last - this.written) * ENTRY_WORDS)));
    this.written = this.last;
    if (this.tail.length > KEPT_WORDS) this.tail = new Int32Array(0);
  }

  get unsynced(): number {
    return this.written - this.header.durable;
  }

  /**
   * Waits until the file's entries are on the disk, and notes that in it. A disk that once failed to write them may
   * say later that it has: then none of them is believed when the file is opened again.
   */
  makeDurable(): void {
    if (!this.mayBecomeDurable || this.unsynced <= 0) return;
    this.mayBecomeDurable = false;
    this.file.sync();
    this.mayBecomeDurable = true;
    const header = { ...this.header, durable: this.written };
    this.file.writeHeader(header);
    this.header = header;
  }

  /** Goes through the durable entries from `end` on, and replaces those that are not sound. */
  readDurable(blockEntries: number, reader: DurableReader): void {
    const { durable } = this;
    const block = new Int32Array(Math.min(blockEntries, durable) * ENTRY_WORDS);
    while (this.last < durable) {
      const count = Math.min(blockEntries, durable - this.last);
      const isWhole = this.file.read(this.last, bytesOf(block.subarray(0, count * ENTRY_WORDS)));
      this.tail = block;
      reader.foresee(block, count);
      let mended = !isWhole;
      for (let place = 0, at = 0; place < count; place++, at += ENTRY_WORDS) {
        if (isSound(block, at, this.last, this.salt) && reader.takeIn(block, place, this.last)) this.last += 1;
        else {
          reader.mend(this.last);
          mended = true;
        }
      }
      if (mended) this.writeOut();
      this.written = this.last;
    }
    this.tail = new Int32Array(0);
  }

  /** What cannot be written now is made from the frames at the next start. */
  close(): void {
    try {
      this.writeOut();
      this.makeDurable();
    } catch {
      // Nothing is lost.
    } finally {
      this.abandon();
    }
  }

  /** Nothing of it is needed: not even to hear of what a disk refused before. */
  abandon(): void {
    try {
      this.file.close();
    } catch {
      // What was not known to be durable is made anew.
    }
  }

  private reserve(words: number): void {
    if (words <= this.tail.length) return;
    const tail = new Int32Array(Math.max(words, this.tail.length * 2, 64 * ENTRY_WORDS));
    tail.set(this.tail);
    this.tail = tail;
  }
}

function bytesOf(words: Int32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/**
 * Whether the durable entries are of this index, and not of a time that it does not know: an index that was put back from an older
 * copy gives the numbers of its newest copies again.
 */
function belongs(file: EntriesFile, { indexId, secret, durable }: EntriesHeader, place: LogPlace): boolean {
  if (!indexId.equals(place.indexId) || durable > place.copies) return false;
  if (durable === 0) return true;
  const { firstCopy, ids, pack } = place.frameOf(durable - 1);
  const entry = new Int32Array(ENTRY_WORDS);
  const words = wordsOf(ids);
  for (let copy = firstCopy; copy < durable; copy++) {
    if (!file.read(copy, bytesOf(entry)) || !isSound(entry, 0, copy, secret.readInt32LE(SALT_AT))) continue;
    if (packOf(entry, 0) !== pack || !isSameId(entry, 0, words, (copy - firstCopy) * ID_WORDS)) return false;
  }
  return true;
}

/** What stood there is gone before anything new does: no power cut brings it back beside that. */
function begin(file: EntriesFile, { indexId, draw }: LogPlace): EntriesHeader {
  const header = { indexId, secret: draw(SECRET_BYTES), durable: 0 };
  file.writeHeader(header);
  file.sync();
  file.empty();
  return header;
}
