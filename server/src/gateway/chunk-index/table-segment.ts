/** Of a slot in words: the tag and, as its lowest bit, whether there are older copies; the newest copy's number, plus one. */
const SLOT_WORDS = 2;

/** A hash table of a few thousand slots with linear probing, kept at most seven eighths full. */
export class TableSegment {
  private slots: Uint32Array;
  private used = 0;

  /** @param depth of the tags in it, so many first bits are the same */
  constructor(
    readonly depth: number,
    slotCount: number,
  ) {
    this.slots = new Uint32Array(slotCount * SLOT_WORDS);
  }

  get slotCount(): number {
    return this.slots.length / SLOT_WORDS;
  }

  get isFull(): boolean {
    return this.used >= (this.slotCount * 7) >>> 3;
  }

  /** Zero where no chunk has this tag. */
  peek(tag: number): number {
    return this.slots[(tag & ((this.slots.length >>> 1) - 1)) * 2 + 1] as number;
  }

  /** Tells the newest copy of each chunk that may have this tag. */
  find(tag: number, found: (copy: number, hasOlder: number) => void): void {
    const { slots } = this;
    const mask = (slots.length >>> 1) - 1;
    for (let slot = tag & mask; ; slot = (slot + 1) & mask) {
      const stored = slots[slot * 2 + 1] as number;
      if (stored === 0) return;
      const word = slots[slot * 2] as number;
      if (word >>> 1 === tag) found(stored - 1, word & 1);
    }
  }

  /** For a chunk that is not there yet. The segment is not full. */
  insert(tag: number, copy: number): void {
    this.put((tag << 1) >>> 0, copy + 1);
  }

  /** The chunk whose newest copy was `older` has a newer one now. False where there is no such chunk. */
  replace(tag: number, older: number, copy: number): boolean {
    const { slots } = this;
    const mask = (slots.length >>> 1) - 1;
    for (let slot = tag & mask; ; slot = (slot + 1) & mask) {
      const stored = slots[slot * 2 + 1] as number;
      if (stored === 0) return false;
      if (stored !== older + 1 || (slots[slot * 2] as number) >>> 1 !== tag) continue;
      slots[slot * 2] = ((tag << 1) | 1) >>> 0;
      slots[slot * 2 + 1] = copy + 1;
      return true;
    }
  }

  /** Two segments by this bit of the tags; undefined where nearly all would come to stand in one. */
  halves(bit: number): readonly [TableSegment, TableSegment] | undefined {
    const zeros = new TableSegment(this.depth + 1, this.slotCount);
    const ones = new TableSegment(this.depth + 1, this.slotCount);
    this.each((word, stored) => ((word >>> (bit + 1)) & 1 ? ones : zeros).put(word, stored));
    return Math.min(zeros.used, ones.used) * 16 < this.used ? undefined : [zeros, ones];
  }

  /** The same in twice as many slots. */
  grow(): void {
    const grown = new TableSegment(this.depth, this.slotCount * 2);
    this.each((word, stored) => grown.put(word, stored));
    this.slots = grown.slots;
  }

  private put(word: number, stored: number): void {
    const { slots } = this;
    const mask = (slots.length >>> 1) - 1;
    let slot = (word >>> 1) & mask;
    while (slots[slot * 2 + 1] !== 0) slot = (slot + 1) & mask;
    slots[slot * 2] = word;
    slots[slot * 2 + 1] = stored;
    this.used += 1;
  }

  private each(visit: (word: number, stored: number) => void): void {
    const { slots } = this;
    for (let at = 0; at < slots.length; at += SLOT_WORDS)
      if (slots[at + 1] !== 0) visit(slots[at] as number, slots[at + 1] as number);
  }
}
