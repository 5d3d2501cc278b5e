import type { StoredFrame } from '../chunk-index/chunk-index.js';

/** Plaintext, in bytes, and frames that one piece has at most: a fraction of a second for control. */
const PIECE_BYTES = 32 * 1024 * 1024;
const PIECE_FRAMES = 256;

/** The frames that control opens next of a pack: what somebody waits for first, and of the rest what the piece has room for. */
export function nextPiece(frames: readonly StoredFrame[], isWanted: (frame: StoredFrame) => boolean): StoredFrame[] {
  const piece: StoredFrame[] = [];
  let bytes = 0;
  for (const frame of [...frames.filter(isWanted), ...frames.filter((each) => !isWanted(each))]) {
    bytes += frame.plainLength;
    if (piece.length > 0 && (bytes > PIECE_BYTES || piece.length >= PIECE_FRAMES)) break;
    piece.push(frame);
  }
  return piece;
}
