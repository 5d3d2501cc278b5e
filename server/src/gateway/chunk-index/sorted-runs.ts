/**
 * Entries by id, in sorted runs. A run is made of pieces. Of a piece, its bounds stay in memory, and its
 * keys (piece-keys.ts) once they were needed; an entry is read when it may be the one asked for.
 *
 * Two runs merge into a third piece by piece (merge-runs.ts), each piece in a transaction of its own:
 * what the third has taken in, the two have lost, so that every entry stands in exactly one run at every
 * moment, whatever crashes. Nothing else changes a run.
 */
import { compareId, ENTRY_BYTES, ID_BYTES, numberOf, packOf } from './entry.js';
import type { EntryStatements } from './entry-statements.js';
import { required } from './index-rows.js';
import type { PageBudget } from './page-budget.js';
import { collectPositions, makeKeys, prefixOf } from './piece-keys.js';
import type { PieceStore } from './piece-store.js';
import { type Piece, Run } from './run.js';

/** With more positions than this for one id, somebody made ids up: then the order of the entries is searched. */
const MOST_POSITIONS = 16;

/** Told of a copy: of which of the ids asked for it is one, its number, and its pack's. */
export type Found = (place: number, number: number, pack: number) => void;

export class SortedRuns {
  readonly runs: Run[];
  private readonly entry = Buffer.allocUnsafeSlow(ENTRY_BYTES);

  constructor(
    private readonly sql: EntryStatements,
    private readonly store: PieceStore,
    private readonly budget: PageBudget,
  ) {
    const byNumber = new Map<number, Run>();
    for (const { number, mergesInto } of sql.runs.all()) {
      const run = new Run(number);
      run.mergesInto = mergesInto ?? undefined;
      byNumber.set(number, run);
    }
    for (const { run, ...piece } of sql.pieces.all()) required(byNumber.get(run)).append(piece);
    this.runs = [...byNumber.values()];
  }

  /** Tells of every copy of these concatenated ids, in no certain order. */
  find(ids: Buffer, found: Found): void {
    const questions: Question[] = [];
    const positions: number[] = [];
    for (let place = 0, at = 0; at < ids.length; place++, at += ID_BYTES) {
      const prefix = prefixOf(ids, at);
      for (const run of this.runs) {
        for (let next = run.firstReaching(prefix); next < run.pieces.length; next++) {
          const piece = run.pieces[next] as Piece;
          if (piece.low > prefix) break;
          positions.length = 0;
          collectPositions(this.keysOf(piece), piece, ids, at, piece.skip, positions);
          if (positions.length > MOST_POSITIONS) this.search(piece, ids, place, found);
          else
            for (const position of positions) questions.push({ place, offset: this.store.offsetOf(piece, position) });
        }
      }
    }
    // In the file's order: what is not in memory is then read in one sweep.
    questions.sort((a, b) => a.offset - b.offset);
    for (const { place, offset } of questions)
      if (this.compare(ids, place, offset) === 0) found(place, numberOf(this.entry, 0), packOf(this.entry, 0));
  }

  /** Writes the next piece of a run, within a transaction; `append` it to the run once that has succeeded. */
  writePiece(run: number, entries: Buffer): Piece {
    const { keys, bounds } = makeKeys(entries);
    const { slot, sha256 } = this.store.write(entries);
    const done = this.sql.insertPiece.run({ run, slot, sha256, keys, ...bounds });
    return { number: Number(done.lastInsertRowid), slot, skip: 0, ...bounds };
  }

  /** Gives the memory back that these pieces hold. */
  forgetKeys(pieces: readonly Piece[] = this.runs.flatMap((run) => run.pieces)): void {
    for (const piece of pieces) {
      if (piece.loaded) this.budget.release(piece.loaded);
      delete piece.loaded;
    }
  }

  private keysOf(piece: Piece): Buffer {
    let { loaded } = piece;
    if (loaded === undefined) {
      const keys = required(this.sql.pieceKeys.get(piece.number));
      loaded = { keys, bytes: keys.length, used: true, drop: () => void delete piece.loaded };
      piece.loaded = loaded;
      this.budget.admit(loaded);
    }
    loaded.used = true;
    return loaded.keys;
  }

  /** Binary search of one piece in the file. */
  private search(piece: Piece, ids: Buffer, place: number, found: Found): void {
    let from = piece.skip;
    let to = piece.entries;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.compare(ids, place, this.store.offsetOf(piece, middle)) > 0) from = middle + 1;
      else to = middle;
    }
    for (; from < piece.entries && this.compare(ids, place, this.store.offsetOf(piece, from)) === 0; from++)
      found(place, numberOf(this.entry, 0), packOf(this.entry, 0));
  }

  /** Reads an entry, and compares an id with its. */
  private compare(ids: Buffer, place: number, offset: number): number {
    this.store.read(offset, this.entry, 0, ENTRY_BYTES);
    return compareId(ids, place * ID_BYTES, this.entry, 0);
  }
}

interface Question {
  readonly place: number;
  readonly offset: number;
}
