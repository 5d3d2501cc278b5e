import type { Page } from './page-budget.js';
import type { PieceBounds } from './piece-keys.js';

export interface Piece extends PieceBounds {
  readonly number: number;
  readonly slot: number;
  /** Entries at its front that a greater run has taken in already. */
  skip: number;
  loaded?: LoadedKeys;
}

export interface LoadedKeys extends Page {
  readonly keys: Buffer;
}

/** Pieces in order of id. */
export class Run {
  readonly pieces: Piece[] = [];
  /** The run that takes in its entries. */
  mergesInto: number | undefined;
  private highs = new Int32Array(8);

  constructor(readonly number: number) {}

  get entries(): number {
    return this.pieces.reduce((all, piece) => all + piece.entries - piece.skip, 0);
  }

  append(piece: Piece): void {
    if (this.pieces.length === this.highs.length) {
      const highs = new Int32Array(this.highs.length * 2);
      highs.set(this.highs);
      this.highs = highs;
    }
    this.highs[this.pieces.length] = piece.high;
    this.pieces.push(piece);
  }

  removeFirst(count: number): void {
    this.pieces.splice(0, count);
    this.highs.copyWithin(0, count);
  }

  /** Place of the first piece that does not end before the prefix. */
  firstReaching(prefix: number): number {
    let from = 0;
    let to = this.pieces.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.highs[middle] as number) < prefix) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
