import type { Page } from './page-budget.js';
import { keysBytes, type PieceBounds } from './piece-keys.js';

export interface Piece extends PieceBounds {
  readonly number: number;
  readonly slot: number;
  /** Entries at its front that a greater run has taken in already. */
  skip: number;
}

export interface KeySegment extends Page {
  /** The keys of so many pieces, one after another. */
  readonly keys: Buffer;
}

const PIECES_PER_SEGMENT = 16;
/** Of a piece in `table`: high, low, entries, slot. In one array, for a look-up that meets few lines of memory. */
const FIELDS = 4;

/** Pieces in order of id. */
export class Run {
  readonly pieces: Piece[] = [];
  /** The run that takes in its entries. */
  mergesInto: number | undefined;
  /** By place of its first piece, counted from the run's first piece ever. */
  readonly segments: (KeySegment | undefined)[] = [];
  private table = new Int32Array(16 * FIELDS);
  /** Bytes from the keys of one piece in a segment to those of the next. */
  private readonly keyBytes: number;
  /** Pieces that were removed at the front. */
  private removed = 0;

  constructor(
    readonly number: number,
    pieceEntries: number,
  ) {
    this.keyBytes = keysBytes(pieceEntries);
  }

  get entries(): number {
    return this.pieces.reduce((all, piece) => all + piece.entries - piece.skip, 0);
  }

  /** Returns the segment that lacks the keys of this piece now. */
  append(piece: Piece): KeySegment | undefined {
    const at = this.pieces.length * FIELDS;
    if (at === this.table.length) {
      const table = new Int32Array(at * 2);
      table.set(this.table);
      this.table = table;
    }
    this.table.set([piece.high, piece.low, piece.entries, piece.slot], at);
    const segment = this.segmentOf(this.pieces.push(piece) - 1);
    const stale = this.segments[segment];
    this.segments[segment] = undefined;
    return stale;
  }

  /** Returns the segments that no piece needs any more. */
  removeFirst(count: number): KeySegment[] {
    this.pieces.splice(0, count);
    this.table.copyWithin(0, count * FIELDS);
    this.removed += count;
    const gone: KeySegment[] = [];
    for (let segment = 0; segment < Math.floor(this.removed / PIECES_PER_SEGMENT); segment++) {
      const dropped = this.segments[segment];
      if (dropped) gone.push(dropped);
      this.segments[segment] = undefined;
    }
    return gone;
  }

  /** Place of the first piece that does not end before the prefix. */
  firstReaching(prefix: number): number {
    let from = 0;
    let to = this.pieces.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.highAt(middle) < prefix) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  highAt(place: number): number {
    return this.table[place * FIELDS] as number;
  }

  lowAt(place: number): number {
    return this.table[place * FIELDS + 1] as number;
  }

  entriesAt(place: number): number {
    return this.table[place * FIELDS + 2] as number;
  }

  slotAt(place: number): number {
    return this.table[place * FIELDS + 3] as number;
  }

  skipAt(place: number): number {
    return place === 0 ? (this.pieces[0] as Piece).skip : 0;
  }

  /** Places of the pieces in a segment. */
  placesIn(segment: number): { readonly from: number; readonly to: number } {
    const from = segment * PIECES_PER_SEGMENT - this.removed;
    return { from: Math.max(from, 0), to: Math.min(from + PIECES_PER_SEGMENT, this.pieces.length) };
  }

  segmentOf(place: number): number {
    return Math.floor((this.removed + place) / PIECES_PER_SEGMENT);
  }

  get segmentBytes(): number {
    return PIECES_PER_SEGMENT * this.keyBytes;
  }

  /** Where in its segment the keys of a piece begin. */
  keysAt(place: number): number {
    return ((this.removed + place) % PIECES_PER_SEGMENT) * this.keyBytes;
  }
}
