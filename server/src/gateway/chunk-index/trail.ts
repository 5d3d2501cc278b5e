import type { FrameIds } from './chunk-entries.js';
import { ID_BYTES } from './entry.js';

/** A frame with fewer chunks to come costs more than it spares: then so many copies go by before another is looked at. */
const FEW = 8;
const PAUSE = 64;

/**
 * A backup asks about chunks in the order in which an earlier one stored them. So where two copies were found that follow each other, the ids
 * of their frame tell those of the next ones, and their entries need not be read.
 */
export class Trail {
  private frame: FrameIds | undefined;
  private last = Number.NEGATIVE_INFINITY;
  private pause = 0;

  /** @param frameOf the frame that has the copy, which is there */
  constructor(private readonly frameOf: (copy: number) => FrameIds) {}

  /** The copy that comes after the last one, where that is a copy of this id and one before `end`. */
  next(ids: Buffer, idAt: number, end: number): number | undefined {
    const { frame } = this;
    if (frame === undefined) return undefined;
    const copy = this.last + 1;
    const at = (copy - frame.firstCopy) * ID_BYTES;
    if (copy >= end || at >= frame.ids.length) return undefined;
    if (frame.ids.compare(ids, idAt, idAt + ID_BYTES, at, at + ID_BYTES) !== 0) return undefined;
    this.last = copy;
    return copy;
  }

  /** The pack of the copies that `next` tells. */
  get pack(): number {
    return this.frame?.pack ?? 0;
  }

  /** This copy was found by its entry. */
  found(copy: number, pack: number): void {
    const isNext = copy === this.last + 1;
    this.last = copy;
    if (this.frame !== undefined && this.frame.pack === pack && this.restOf(this.frame) >= 0) return;
    this.frame = undefined;
    if (this.pause > 0) this.pause -= 1;
    else if (isNext) this.follow(copy, pack);
  }

  private follow(copy: number, pack: number): void {
    const frame = this.frameOf(copy);
    if (frame.pack !== pack || this.restOf(frame) < FEW) this.pause = PAUSE;
    else this.frame = frame;
  }

  /** How many copies the frame has behind the last one; negative where that is not in it. */
  private restOf({ firstCopy, ids }: FrameIds): number {
    const place = this.last - firstCopy;
    return place < 0 ? -1 : ids.length / ID_BYTES - 1 - place;
  }
}
