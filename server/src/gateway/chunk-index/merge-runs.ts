import { compareEntries, ENTRY_BYTES } from './entry.js';
import type { EntryStatements } from './entry-statements.js';
import type { PieceStore } from './piece-store.js';
import { planMerge } from './plan-merges.js';
import type { Piece, Run } from './run.js';
import type { SortedRuns } from './sorted-runs.js';

/** Entries of a run that are read at a time. */
const WINDOW_ENTRIES = 1_024;

/** In entries. */
export interface RunSizes {
  /** The smallest run. */
  readonly unit: number;
  /** The greatest that is made in one go. */
  readonly greatest: number;
  /** At most 65,535. */
  readonly piece: number;
}

export interface MergePorts {
  readonly runs: SortedRuns;
  readonly store: PieceStore;
  readonly sql: EntryStatements;
  /** All of it or nothing. */
  readonly transaction: (work: () => void) => void;
  readonly sizes: RunSizes;
}

/** Makes a run of sorted entries, and does something else with that or not at all. */
export function writeRun({ runs, sql, transaction, sizes }: MergePorts, entries: Buffer, also: () => void): void {
  const pieces: Piece[] = [];
  let number = 0;
  transaction(() => {
    number = Number(sql.insertRun.run().lastInsertRowid);
    for (let at = 0; at < entries.length; at += sizes.piece * ENTRY_BYTES)
      pieces.push(runs.writePiece(number, entries.subarray(at, at + sizes.piece * ENTRY_BYTES)));
    also();
  });
  const run = runs.newRun(number);
  for (const piece of pieces) runs.append(run, piece);
  runs.runs.push(run);
}

/**
 * Takes the merge that has the least to do one piece further; begins one where two runs ask for it.
 * Small merges overtake great ones, so that small runs never pile up behind one that takes long.
 * Returns the number of entries moved: 0 when there is nothing to merge.
 */
export function mergeOnce(ports: MergePorts): number {
  const { runs } = ports.runs;
  const resting = runs.filter(
    (run) => run.mergesInto === undefined && !runs.some((other) => other.mergesInto === run.number),
  );
  const planned = planMerge(resting, ports.sizes.unit);
  if (planned) begin(ports, planned[0].number, planned[1].number);
  const [least] = runs
    .filter((run) => runs.some((other) => other.mergesInto === run.number))
    .map((target) => ({ target, sources: runs.filter((run) => run.mergesInto === target.number) }))
    .sort((a, b) => sum(a.sources) - sum(b.sources));
  return least === undefined ? 0 : advance(ports, least.target, least.sources);
}

function begin({ runs, sql, transaction }: MergePorts, left: number, right: number): void {
  let target = 0;
  transaction(() => {
    target = Number(sql.insertRun.run().lastInsertRowid);
    for (const run of [left, right]) sql.mergeRun.run({ run, into: target });
  });
  for (const run of runs.runs) if (run.number === left || run.number === right) run.mergesInto = target;
  runs.runs.push(runs.newRun(target));
}

function advance(ports: MergePorts, target: Run, sources: readonly Run[]): number {
  const { runs, store, sql, transaction, sizes } = ports;
  const readers = sources.map((run) => new RunReader(store, run));
  const entries = Buffer.allocUnsafe(sizes.piece * ENTRY_BYTES);
  let bytes = 0;
  for (let next = leastOf(readers); next !== undefined && bytes < entries.length; next = leastOf(readers)) {
    next.window.copy(entries, bytes, next.at, next.at + ENTRY_BYTES);
    bytes += ENTRY_BYTES;
    next.advance();
  }
  const over = readers.every((reader) => reader.isAtEnd);
  let written: Piece | undefined;
  transaction(() => {
    written = runs.writePiece(target.number, entries.subarray(0, bytes));
    for (const { read, current, position } of readers) {
      for (const { number } of read) sql.deletePiece.run(number);
      if (current && position !== current.skip) sql.skipEntries.run(position, current.number);
    }
    if (over) for (const { number } of sources) sql.deleteRun.run(number);
  });
  if (written) runs.append(target, written);
  for (const { run, read, current, position } of readers) {
    store.release(read);
    runs.removeFirst(run, read.length);
    if (current) current.skip = position;
  }
  if (!over) return bytes / ENTRY_BYTES;
  for (const source of sources) {
    runs.forget(source);
    runs.runs.splice(runs.runs.indexOf(source), 1);
  }
  return bytes / ENTRY_BYTES;
}

/** Reads a run from its front, and remembers what of it was read. */
class RunReader {
  /** Pieces read to their end. */
  readonly read: Piece[] = [];
  position = 0;
  /** Entries, of which the next one begins at `at`. */
  window: Buffer = Buffer.alloc(0);
  at = 0;
  private readonly bytes = Buffer.allocUnsafe(WINDOW_ENTRIES * ENTRY_BYTES);

  constructor(
    private readonly store: PieceStore,
    readonly run: Run,
  ) {
    this.enter();
  }

  /** The piece that is being read. */
  get current(): Piece | undefined {
    return this.run.pieces[this.read.length];
  }

  get isAtEnd(): boolean {
    return this.current === undefined;
  }

  advance(): void {
    const { current } = this;
    if (current === undefined) return;
    this.position += 1;
    this.at += ENTRY_BYTES;
    if (this.position === current.entries) {
      this.read.push(current);
      this.enter();
    } else if (this.at === this.window.length) this.load(current);
  }

  /** Starts with the current piece, at the first entry that no greater run has taken in. */
  private enter(): void {
    const { current } = this;
    this.position = current?.skip ?? 0;
    if (current) this.load(current);
  }

  private load(piece: Piece): void {
    this.window = this.bytes.subarray(0, Math.min(WINDOW_ENTRIES, piece.entries - this.position) * ENTRY_BYTES);
    this.store.read(this.store.offsetOf(piece.slot, this.position), this.window);
    this.at = 0;
  }
}

function leastOf(readers: readonly RunReader[]): RunReader | undefined {
  let least: RunReader | undefined;
  for (const reader of readers) {
    if (reader.isAtEnd) continue;
    if (least === undefined || compareEntries(reader.window, reader.at, least.window, least.at) < 0) least = reader;
  }
  return least;
}

function sum(runs: readonly Run[]): number {
  return runs.reduce((all, run) => all + run.entries, 0);
}
