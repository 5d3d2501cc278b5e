import { malformed, PIECE_BYTES } from './wire.js';

/** The shortest that an agent sends, however little it may send a second, but for the last of a frame or footer. */
const SHORT_BYTES = 16 * 1024;
const MOST_SHORT = 256;

/** The pieces of one upload: each costs the same however short it is, so that not very many may be short, and none empty. */
export class PieceSizes {
  private short = 0;

  check(bytes: number, last: boolean): void {
    if (bytes > PIECE_BYTES) throw malformed('A piece is longer than 1 MiB.');
    if (bytes === 0) throw malformed('A piece is empty.');
    if (!last && bytes < SHORT_BYTES) this.short += 1;
    if (this.short > MOST_SHORT)
      throw malformed(`More than ${MOST_SHORT} pieces of an upload are shorter than ${SHORT_BYTES / 1024} KiB.`);
  }
}
