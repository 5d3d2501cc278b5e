/**
 * Where chunks are found by id: an entry for each copy in a plain file, in the order of the copies' numbers (entry-log.ts), and in memory a
 * hash table that leads from an id to its newest copy (copy-table.ts). Each entry names the next older copy of its chunk. An entry is
 * written once and never again, so that what a chunk costs does not depend on how many there are.
 *
 * All of it is derived from the frames in the index file. When it is opened, every entry is read and compared with its checksum: one that a disk
 * has changed is made anew from its frame, as are all that were not known to be durable, and the whole file if it is of another index.
 * What changes later is found when it is read. Then it is too late to make it anew, and the answer is INDEX_DAMAGED.
 */
import { rmSync } from 'node:fs';
import { errorCodeOf } from '../../platform/disk-trouble.js';
import { CopyTable } from './copy-table.js';
import { ENTRY_WORDS, ID_BYTES, ID_WORDS, NO_COPY, olderOf, wordsOf } from './entry.js';
import { EntryLog } from './entry-log.js';
import { IdHash } from './id-hash.js';
import { indexDamaged, indexFull } from './index-errors.js';
import { contradiction } from './index-rows.js';
import { LongChains } from './long-chains.js';
import { Trail } from './trail.js';

/** What numbers of copies a slot of the table can hold. */
const MOST_COPIES = 2 ** 32 - 1;
/** Ids that are looked up at a time: the place of one of them stands beside a number in one sort key. */
const SLICE = 4_096;

/** A frame whose rows are durable. */
export interface FrameIds {
  readonly firstCopy: number;
  readonly pack: number;
  /** Concatenated. */
  readonly ids: Buffer;
}

export interface EntrySizes {
  /** A power of two. */
  readonly segmentSlots: number;
  /** Entries that are read, or made anew, at a time. */
  readonly block: number;
  /** Entries between two moments at which the disk is waited for: so many a start after a crash makes anew. */
  readonly betweenSyncs: number;
}

const SIZES: EntrySizes = { segmentSlots: 4_096, block: 512, betweenSyncs: 131_072 };

export interface EntriesPorts {
  readonly path: string;
  /** Drawn by the index when it was made. */
  readonly indexId: Buffer;
  /** Copies that the index has. */
  readonly copies: number;
  /** Their frames, from the one that begins with this copy on, in order. */
  readonly framesFrom: (copy: number) => Iterable<FrameIds>;
  /** The frame that has this copy, which is there. */
  readonly frameOf: (copy: number) => FrameIds;
  /** So many random bytes. */
  readonly draw: (bytes: number) => Buffer;
  /** Smaller ones, for tests. */
  readonly sizes?: EntrySizes | undefined;
}

/** Tells of a copy: of which of the ids asked for it is one, its number, and its pack's. */
export type Found = (place: number, copy: number, pack: number) => void;

export class ChunkEntries {
  private readonly log: EntryLog;
  private readonly hash: IdHash;
  private readonly table: CopyTable;
  private readonly trail: Trail;
  private readonly chains = new LongChains();
  private readonly sizes: EntrySizes;
  /** The number after the last copy's that can be found. Entries behind it are prepared. */
  private end = 0;
  /** That after the last recorded one's: a few more where memory ran out before they could be found. */
  private recorded = 0;
  private readonly questions: number[] = [];
  private readonly tags: Int32Array;
  private readonly may: Uint32Array;

  /** A file that its disk cannot read any more is made anew, as one that was lost. */
  static open(ports: EntriesPorts): ChunkEntries {
    try {
      return new ChunkEntries(ports);
    } catch (error) {
      if (errorCodeOf(error) !== 'EIO') throw error;
      rmSync(ports.path, { force: true });
      return new ChunkEntries(ports);
    }
  }

  private constructor({ copies, framesFrom, frameOf, sizes = SIZES, ...place }: EntriesPorts) {
    this.sizes = sizes;
    this.tags = new Int32Array(Math.max(SLICE, sizes.block));
    this.may = new Uint32Array(this.tags.length);
    this.trail = new Trail(frameOf);
    this.log = EntryLog.open({ ...place, copies, frameOf });
    try {
      this.hash = new IdHash(this.log.secret);
      this.table = new CopyTable(this.log.durable, sizes.segmentSlots);
      this.takeInDurable(frameOf);
      this.makeAnew(framesFrom(this.end));
    } catch (error) {
      this.log.abandon();
      throw error;
    }
  }

  /** Tells of every copy of these concatenated ids, in no certain order. */
  find(ids: Buffer, found: Found): void {
    const words = wordsOf(ids);
    const count = words.length / ID_WORDS;
    for (let from = 0; from < count; from += SLICE) this.findSome(words, from, Math.min(from + SLICE, count), found);
  }

  /**
   * Makes the entries of frames that are about to be recorded: all of it that a disk can refuse. They are found once `add` was called;
   * where it is not, they are forgotten at the next call.
   */
  prepare(frames: readonly FrameIds[]): void {
    const { log, sizes } = this;
    this.takeInRecorded();
    log.takeBack(this.end);
    log.writeOut();
    if (log.unsynced >= sizes.betweenSyncs) log.makeDurable();
    const count = frames.reduce((all, { ids }) => all + ids.length / ID_BYTES, 0);
    const own = new CopyTable(count, sizes.segmentSlots);
    for (const { ids, firstCopy, pack } of frames) {
      if (firstCopy + ids.length / ID_BYTES > MOST_COPIES) throw indexFull();
      if (firstCopy !== log.end) throw contradiction();
      const words = wordsOf(ids);
      for (let at = 0; at < words.length; at += ID_WORDS) this.append(words, at, pack, own);
    }
  }

  /** What was prepared is recorded, also where this throws. */
  add(): void {
    this.recorded = this.log.end;
    this.takeInRecorded();
  }

  close(): void {
    this.log.takeBack(this.recorded);
    this.log.close();
  }

  private takeInDurable(frameOf: (copy: number) => FrameIds): void {
    const { log } = this;
    let frame: FrameIds | undefined;
    log.readDurable(this.sizes.block, {
      foresee: (words, count) => this.foresee(words, 0, ENTRY_WORDS, count),
      takeIn: (words, place, copy) =>
        this.takeIn(this.tags[place] as number, olderOf(words, place * ENTRY_WORDS), copy),
      mend: (copy) => {
        if (frame === undefined || copy < frame.firstCopy || copy >= frame.firstCopy + frame.ids.length / ID_BYTES)
          frame = frameOf(copy);
        const { firstCopy, ids, pack } = frame;
        this.append(wordsOf(ids), (copy - firstCopy) * ID_WORDS, pack);
        this.takeInLast(copy);
      },
    });
    this.end = log.end;
    this.recorded = log.end;
  }

  private takeInRecorded(): void {
    for (; this.end < this.recorded; this.end++) this.takeInLast(this.end);
  }

  private makeAnew(frames: Iterable<FrameIds>): void {
    let some: FrameIds[] = [];
    let count = 0;
    const addSome = (): void => {
      this.prepare(some);
      this.add();
      some = [];
      count = 0;
    };
    for (const frame of frames) {
      some.push(frame);
      count += frame.ids.length / ID_BYTES;
      if (count >= this.sizes.block) addSome();
    }
    addSome();
  }

  /** Puts a copy into the table. False where the table knows nothing of the older one. */
  private takeIn(tag: number, older: number, copy: number): boolean {
    if (older !== NO_COPY) return this.table.replace(tag, older, copy);
    this.table.insert(tag, copy);
    return true;
  }

  /** The same for an entry that was appended. */
  private takeInLast(copy: number): void {
    const { log, hash } = this;
    log.look(copy);
    this.takeIn(hash.tagOf(log.words, log.at), log.older, copy);
  }

  /** Makes the tags of so many ids, of which one begins in each so many words, and brings the table's memory near. */
  private foresee(words: Int32Array, from: number, stride: number, count: number): void {
    for (let place = 0, at = from; place < count; place++, at += stride) this.tags[place] = this.hash.tagOf(words, at);
    this.table.peek(this.tags, count, this.may);
  }

  /** Makes the entry of the next copy. What is not in the table yet stands in `own`, if there is anything. */
  private append(ids: Int32Array, idAt: number, pack: number, own?: CopyTable): void {
    const tag = this.hash.tagOf(ids, idAt);
    const ownOlder = own === undefined ? NO_COPY : this.newestIn(own, tag, ids, idAt);
    const older = ownOlder === NO_COPY ? this.newestIn(this.table, tag, ids, idAt) : ownOlder;
    const copy = this.log.append(ids, idAt, pack, older);
    if (ownOlder === NO_COPY) own?.insert(tag, copy);
    else own?.replace(tag, ownOlder, copy);
  }

  private newestIn(table: CopyTable, tag: number, ids: Int32Array, idAt: number): number {
    const { log } = this;
    let newest = NO_COPY;
    table.find(tag, (copy) => {
      log.look(copy);
      if (log.isOf(ids, idAt)) newest = copy;
    });
    return newest;
  }

  private findSome(ids: Int32Array, from: number, to: number, found: Found): void {
    const { questions, tags, may, table } = this;
    this.foresee(ids, from * ID_WORDS, ID_WORDS, to - from);
    questions.length = 0;
    let place = 0;
    let [last, isSorted] = [0, true];
    const ask = (copy: number, hasOlder: number): void => {
      const question = (copy * 2 + hasOlder) * SLICE + place;
      isSorted &&= question >= last;
      last = question;
      questions.push(question);
    };
    for (; place < to - from; place++) if (may[place] !== 0) table.find(tags[place] as number, ask);
    // In the file's order: what is not in memory is then read in one sweep.
    for (const question of isSorted ? questions : Float64Array.from(questions).sort()) {
      const candidate = Math.floor(question / SLICE);
      const copy = Math.floor(candidate / 2);
      this.answer(ids, from + question - candidate * SLICE, copy, candidate - copy * 2 === 1, found);
    }
  }

  /** Tells of a copy, and of the older ones of its chunk, if it is one of this id. */
  private answer(ids: Int32Array, place: number, newest: number, hasOlder: boolean, found: Found): void {
    const { log, trail } = this;
    const idAt = place * ID_WORDS;
    if (!hasOlder) {
      const pack = trail.packOf(newest);
      if (pack !== undefined) {
        if (trail.isCopyOf(newest, ids, idAt)) found(place, newest, pack);
        return;
      }
    }
    log.look(newest);
    if (!log.isOf(ids, idAt)) return;
    if (hasOlder) this.tellAll(ids, place, newest, found);
    else {
      trail.found(newest, log.pack);
      found(place, newest, log.pack);
    }
  }

  /** Tells of the copy that was looked at, and of all older ones of its chunk. */
  private tellAll(ids: Int32Array, place: number, newest: number, found: Found): void {
    const { log, chains } = this;
    const read: number[] = [];
    let remembered: Uint32Array | undefined;
    for (let copy = newest; ; ) {
      remembered = chains.from(copy);
      if (remembered !== undefined) break;
      const { pack, older } = log;
      read.push(copy, pack);
      found(place, copy, pack);
      if (older === NO_COPY) break;
      log.look(older);
      if (older >= copy || !log.isOf(ids, place * ID_WORDS)) throw indexDamaged();
      copy = older;
    }
    if (remembered !== undefined)
      for (let at = 0; at < remembered.length; at += 2)
        found(place, remembered[at] as number, remembered[at + 1] as number);
    chains.remember(read, remembered);
  }
}
