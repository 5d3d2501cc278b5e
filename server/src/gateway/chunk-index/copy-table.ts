import { TAG_BITS } from './id-hash.js';
import { TableSegment } from './table-segment.js';

const SEGMENT_SLOTS = 4_096;

/**
 * The newest copy of every chunk by the tag of its id, in memory: 8 bytes a slot. Extendible hashing (Fagin and others, 1979): a directory
 * by the tags' first bits names segments, and a segment that is full is divided, so that an insertion costs one of them at most, however
 * many chunks there are. Of one chunk only the newest copy stands here. Chunks whose tags are the same stand side by side.
 */
export class CopyTable {
  private directory: TableSegment[];
  private depth = 0;
  /** Beyond it the first bits of a tag meet those that choose a slot. */
  private readonly mostDepth: number;

  /** @param expected chunks, for which room is made at once */
  constructor(expected = 0, segmentSlots = SEGMENT_SLOTS) {
    this.mostDepth = TAG_BITS - Math.log2(segmentSlots);
    const perSegment = (segmentSlots * 7) / 8;
    while (perSegment * 2 ** this.depth < expected && this.depth < this.mostDepth) this.depth += 1;
    this.directory = Array.from({ length: 2 ** this.depth }, () => new TableSegment(this.depth, segmentSlots));
  }

  /**
   * For each of the first so many tags, zero in `may` says that no chunk has it. Memory that no cache holds is then there when the tag is asked
   * for: here many are waited for at once, there each would be by itself.
   */
  peek(tags: Int32Array, count: number, may: Uint32Array): void {
    for (let place = 0; place < count; place++) {
      const tag = tags[place] as number;
      may[place] = this.segmentOf(tag).peek(tag);
    }
  }

  /** Tells the newest copy of each chunk that may have this tag, and 1 if it has older ones. */
  find(tag: number, found: (copy: number, hasOlder: number) => void): void {
    this.segmentOf(tag).find(tag, found);
  }

  /** For a chunk that is not there yet. */
  insert(tag: number, copy: number): void {
    while (this.segmentOf(tag).isFull) this.makeRoom(tag);
    this.segmentOf(tag).insert(tag, copy);
  }

  /** The chunk whose newest copy was `older` has a newer one now. False where there is no such chunk. */
  replace(tag: number, older: number, copy: number): boolean {
    return this.segmentOf(tag).replace(tag, older, copy);
  }

  private segmentOf(tag: number): TableSegment {
    return this.directory[tag >>> (TAG_BITS - this.depth)] as TableSegment;
  }

  private makeRoom(tag: number): void {
    const full = this.segmentOf(tag);
    const halves = full.depth < this.mostDepth ? full.halves(TAG_BITS - 1 - full.depth) : undefined;
    if (halves === undefined) {
      full.grow();
      return;
    }
    if (full.depth === this.depth) {
      this.directory = this.directory.flatMap((segment) => [segment, segment]);
      this.depth += 1;
    }
    const half = 2 ** (this.depth - full.depth - 1);
    const first = (tag >>> (TAG_BITS - full.depth)) * half * 2;
    this.directory.fill(halves[0], first, first + half);
    this.directory.fill(halves[1], first + half, first + half * 2);
  }
}
