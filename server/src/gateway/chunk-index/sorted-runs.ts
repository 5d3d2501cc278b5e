/**
 * Entries by id, in sorted runs. A run is made of pieces. Of a piece, its bounds stay in memory, and its
 * keys (piece-keys.ts) once they were needed; an entry is read when it may be the one asked for.
 *
 * Two runs merge into a third piece by piece (merge-runs.ts), each piece in a transaction of its own:
 * what the third has taken in, the two have lost, so that every entry stands in exactly one run at every
 * moment, whatever crashes. Nothing else changes a run.
 */
import { crc32 } from 'node:zlib';
import { checkOfRow } from './check-rows.js';
import { compareId, ENTRY_BYTES, ID_BYTES, numberOf, packOf } from './entry.js';
import type { EntryStatements } from './entry-statements.js';
import { indexDamaged } from './index-errors.js';
import { required } from './index-rows.js';
import type { PageBudget } from './page-budget.js';
import { collectPositions, makeKeys, prefixOf } from './piece-keys.js';
import type { PieceStore } from './piece-store.js';
import { type KeySegment, type Piece, Run } from './run.js';
import type { Trail } from './trail.js';

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
    private readonly pieceEntries: number,
    private readonly trail: Trail,
  ) {
    const byNumber = new Map<number, Run>();
    for (const { number, mergesInto } of sql.runs.all()) {
      const run = this.newRun(number);
      run.mergesInto = mergesInto ?? undefined;
      byNumber.set(number, run);
    }
    for (const { run, ...piece } of sql.pieces.all()) this.append(required(byNumber.get(run)), piece);
    this.runs = [...byNumber.values()];
  }

  /** Tells of every copy of these concatenated ids, in no certain order. The runs have all copies before `end`. */
  find(ids: Buffer, end: number, found: Found): void {
    const questions: Question[] = [];
    const positions: number[] = [];
    for (let place = 0, at = 0; at < ids.length; place++, at += ID_BYTES) {
      const prefix = prefixOf(ids, at);
      const before = questions.length;
      let searched = false;
      for (const run of this.runs) {
        for (let next = run.firstReaching(prefix); next < run.pieces.length; next++) {
          if (run.lowAt(next) > prefix) break;
          positions.length = 0;
          this.collect(run, next, ids, at, positions);
          const offset = this.store.offsetOf(run.slotAt(next), 0);
          if (positions.length > MOST_POSITIONS) {
            searched = true;
            this.search(run.pieces[next] as Piece, ids, place, found);
          } else for (const position of positions) questions.push({ place, offset: offset + position * ENTRY_BYTES });
        }
      }
      // Where one entry alone may be of this id, a copy that is known of it stands there.
      if (questions.length === before + 1 && !searched) this.findOnly(questions.pop() as Question, ids, end, found);
    }
    // In the file's order: what is not in memory is then read in one sweep.
    questions.sort((a, b) => a.offset - b.offset);
    for (const { place, offset } of questions)
      if (this.compare(ids, place, offset) === 0) found(place, numberOf(this.entry, 0), packOf(this.entry, 0));
  }

  private findOnly({ place, offset }: Question, ids: Buffer, end: number, found: Found): void {
    const known = this.trail.next(ids, place * ID_BYTES, end);
    if (known !== undefined) {
      found(place, known, this.trail.pack);
      return;
    }
    if (this.compare(ids, place, offset) !== 0) return;
    const [copy, pack] = [numberOf(this.entry, 0), packOf(this.entry, 0)];
    this.trail.found(copy, pack);
    found(place, copy, pack);
  }

  /** Writes the next piece of a run, within a transaction; to be appended to it once that has succeeded. */
  writePiece(run: number, entries: Buffer): Piece {
    const { keys, bounds } = makeKeys(entries);
    const { slot, sha256 } = this.store.write(entries);
    const row = { run, slot, ...bounds };
    const checks = { rowCheck: checkOfRow(row), keysCheck: crc32(keys) };
    const done = this.sql.insertPiece.run({ ...row, ...checks, sha256, keys });
    return { number: Number(done.lastInsertRowid), slot, skip: 0, ...bounds };
  }

  append(run: Run, piece: Piece): void {
    const stale = run.append(piece);
    if (stale) this.budget.release(stale);
  }

  newRun(number: number): Run {
    return new Run(number, this.pieceEntries);
  }

  /** These pieces at the front of a run are no more. */
  removeFirst(run: Run, count: number): void {
    for (const segment of run.removeFirst(count)) this.budget.release(segment);
  }

  /** The run is no more, or not needed now: gives the memory back that it holds. */
  forget(run: Run): void {
    for (const segment of run.segments) if (segment) this.budget.release(segment);
    run.segments.length = 0;
  }

  private collect(run: Run, place: number, ids: Buffer, idAt: number, positions: number[]): void {
    const segment = run.segments[run.segmentOf(place)] ?? this.loadSegment(run, run.segmentOf(place));
    segment.used = true;
    const [at, entries, low, high] = [run.keysAt(place), run.entriesAt(place), run.lowAt(place), run.highAt(place)];
    collectPositions(segment.keys, at, entries, low, high, ids, idAt, run.skipAt(place), positions);
  }

  private loadSegment(run: Run, number: number): KeySegment {
    const keys = Buffer.alloc(run.segmentBytes);
    const { from, to } = run.placesIn(number);
    for (let place = from; place < to; place++) {
      const found = required(this.sql.pieceKeys.get((run.pieces[place] as Piece).number));
      if (!Buffer.isBuffer(found.keys) || crc32(found.keys) !== found.keysCheck) throw indexDamaged();
      found.keys.copy(keys, run.keysAt(place));
    }
    const drop = (): void => {
      run.segments[number] = undefined;
    };
    const segment = { keys, bytes: keys.length, used: true, drop };
    run.segments[number] = segment;
    this.budget.admit(segment);
    return segment;
  }

  /** Binary search of one piece in the file. */
  private search(piece: Piece, ids: Buffer, place: number, found: Found): void {
    let from = piece.skip;
    let to = piece.entries;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.compare(ids, place, this.store.offsetOf(piece.slot, middle)) > 0) from = middle + 1;
      else to = middle;
    }
    for (; from < piece.entries && this.compare(ids, place, this.store.offsetOf(piece.slot, from)) === 0; from++)
      found(place, numberOf(this.entry, 0), packOf(this.entry, 0));
  }

  /** Reads an entry, and compares an id with its. */
  private compare(ids: Buffer, place: number, offset: number): number {
    this.store.read(offset, this.entry);
    return compareId(ids, place * ID_BYTES, this.entry, 0);
  }
}

interface Question {
  readonly place: number;
  readonly offset: number;
}
