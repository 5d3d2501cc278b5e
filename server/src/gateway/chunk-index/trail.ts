import type { FrameIds } from './chunk-entries.js';
import { ID_WORDS, isSameId, wordsOf } from './entry.js';

/** A frame with fewer chunks to come costs more than it spares: then so many copies go by before another is looked at. */
const FEW = 8;
const PAUSE = 64;

interface Followed {
  readonly firstCopy: number;
  readonly end: number;
  readonly ids: Int32Array;
  readonly pack: number;
}

/**
 * A backup asks about chunks in the order in which an earlier one stored them. So where two copies were found that follow each other, the ids
 * of their frame tell those of its other ones, and their entries need not be read.
 */
export class Trail {
  private frame: Followed | undefined;
  private last = Number.NEGATIVE_INFINITY;
  private pause = 0;

  /** @param frameOf the frame that has the copy, which is there */
  constructor(private readonly frameOf: (copy: number) => FrameIds) {}

  /** The pack of the copy, if its frame is being followed. */
  packOf(copy: number): number | undefined {
    const { frame } = this;
    if (frame === undefined || copy < frame.firstCopy || copy >= frame.end) return undefined;
    this.last = copy;
    return frame.pack;
  }

  /** Whether the copy, whose frame is being followed, is one of this id. */
  isCopyOf(copy: number, ids: Int32Array, idAt: number): boolean {
    const { frame } = this;
    return frame !== undefined && isSameId(frame.ids, (copy - frame.firstCopy) * ID_WORDS, ids, idAt);
  }

  /** This copy was found by its entry. */
  found(copy: number, pack: number): void {
    const isNext = copy === this.last + 1;
    this.last = copy;
    if (this.pause > 0) this.pause -= 1;
    else if (isNext) this.follow(copy, pack);
  }

  private follow(copy: number, pack: number): void {
    const { firstCopy, ids, pack: own } = this.frameOf(copy);
    const words = wordsOf(ids);
    const end = firstCopy + words.length / ID_WORDS;
    if (own !== pack || end - 1 - copy < FEW) this.pause = PAUSE;
    else this.frame = { firstCopy, end, ids: words, pack };
  }
}
