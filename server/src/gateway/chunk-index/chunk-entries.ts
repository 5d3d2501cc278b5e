import type Database from 'better-sqlite3';
import { openEntriesFile } from './entries-file.js';
import { ID_BYTES, sortEntries } from './entry.js';
import type { EntryStatements } from './entry-statements.js';
import { FreshEntries } from './fresh-entries.js';
import { required } from './index-rows.js';
import { type MergePorts, mergeOnce, type RunSizes, writeRun } from './merge-runs.js';
import type { PageBudget } from './page-budget.js';
import { PieceStore } from './piece-store.js';
import { type Found, SortedRuns } from './sorted-runs.js';
import { Trail } from './trail.js';

const RUN_SIZES: RunSizes = { unit: 65_536, greatest: 1_000_000, piece: 8_192 };
/** Entries that may be merged for each one added: more often than an entry of a billion is written over. */
const MERGED_PER_ADDED = 16;

/** A frame whose rows are durable. */
export interface FrameIds {
  readonly firstCopy: number;
  readonly pack: number;
  /** Concatenated. */
  readonly ids: Buffer;
}

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
  readonly pages: PageBudget;
  readonly sizes?: RunSizes | undefined;
}

/**
 * Finds copies by the id of their chunk. New entries stand in memory only, until there are enough of them
 * for a run; a process that starts reads those anew.
 */
export class ChunkEntries {
  private readonly db: Database.Database;
  private readonly sql: EntryStatements;
  private readonly store: PieceStore;
  private readonly runs: SortedRuns;
  private readonly merging: MergePorts;
  private fresh: FreshEntries;
  /** The number after the newest copy's. */
  private nextCopy: number;
  /** The number of the first copy that stands in no run. */
  private nextToSort: number;
  private mergesOwed = 0;

  constructor({ framesFrom, frameOf, pages, sizes = RUN_SIZES, ...place }: EntriesPorts) {
    const { db, sql, file } = openEntriesFile({ ...place, pieceEntries: sizes.piece });
    try {
      this.db = db;
      this.sql = sql;
      this.store = new PieceStore(db, sql, file);
      this.runs = new SortedRuns(sql, this.store, pages, sizes.piece, new Trail(frameOf));
      const transaction = (work: () => void): void => db.transaction(work).immediate();
      this.merging = { runs: this.runs, store: this.store, sql, transaction, sizes };
      this.nextToSort = required(sql.nextToSort.get());
      this.nextCopy = this.nextToSort;
      this.fresh = new FreshEntries(required(sql.secret.get()));
      const remade = this.nextCopy === 0;
      for (const frame of framesFrom(this.nextCopy)) {
        if (this.fresh.size >= sizes.greatest) this.sortFresh();
        this.put(frame);
      }
      // So many at once only when the file was made anew: whoever pays for merges later is not to pay for that.
      if (remade) while (mergeOnce(this.merging) > 0) this.store.syncIfDue();
    } catch (error) {
      file.close();
      db.close();
      throw error;
    }
  }

  /** Tells of every copy of these concatenated ids, in no certain order. */
  find(ids: Buffer, found: Found): void {
    for (let place = 0, at = 0; at < ids.length; place++, at += ID_BYTES)
      this.fresh.find(ids, at, (number, pack) => found(place, number, pack));
    this.runs.find(ids, this.nextToSort, found);
  }

  /** To be called before the frames of a pack are recorded. */
  makeRoom(): void {
    if (this.fresh.size >= this.merging.sizes.unit) this.sortFresh();
  }

  add(frames: readonly FrameIds[]): void {
    const before = this.fresh.size;
    for (const frame of frames) this.put(frame);
    this.mergesOwed += (this.fresh.size - before) * MERGED_PER_ADDED;
  }

  /** Does a bounded piece of what added entries left to do. Says whether there is more. */
  tend(): boolean {
    if (this.mergesOwed <= 0) return false;
    const moved = mergeOnce(this.merging);
    this.store.syncIfDue();
    this.mergesOwed = moved === 0 ? 0 : this.mergesOwed - moved;
    return this.mergesOwed > 0;
  }

  close(): void {
    for (const run of this.runs.runs) this.runs.forget(run);
    this.store.close();
    this.db.close();
  }

  private put({ ids, firstCopy, pack }: FrameIds): void {
    for (let at = 0, copy = firstCopy; at < ids.length; at += ID_BYTES) this.fresh.add(ids, at, copy++, pack);
    this.nextCopy = firstCopy + ids.length / ID_BYTES;
  }

  private sortFresh(): void {
    writeRun(this.merging, sortEntries(this.fresh.entries), () => this.sql.setNextToSort.run(this.nextCopy));
    this.fresh = this.fresh.emptied();
    this.nextToSort = this.nextCopy;
    this.store.syncIfDue();
  }
}
