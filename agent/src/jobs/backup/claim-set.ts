const CLAIM_BYTES = 32;
const SEGMENT_CLAIMS = 32_768;
const FIRST_SLOTS = 4_096;

/**
 * The claims of one session, in the order they came. A million of them take 48 MB; as strings in a Set they would take three
 * times that.
 */
export class ClaimSet {
  private readonly segments: Buffer[] = [];
  private slots = new Int32Array(FIRST_SLOTS);
  private count = 0;

  get size(): number {
    return this.count;
  }

  has(claim: Buffer): boolean {
    return this.slots[this.slotOf(claim)] !== 0;
  }

  /** False if it was there already. */
  add(claim: Buffer): boolean {
    const slot = this.slotOf(claim);
    if (this.slots[slot] !== 0) return false;
    const place = this.count % SEGMENT_CLAIMS;
    if (place === 0) this.segments.push(Buffer.allocUnsafeSlow(SEGMENT_CLAIMS * CLAIM_BYTES));
    this.segments.at(-1)?.set(claim, place * CLAIM_BYTES);
    this.count += 1;
    this.slots[slot] = this.count;
    if (this.count * 4 > this.slots.length * 3) this.grow();
    return true;
  }

  /** Claims `from` up to at most `limit` further, concatenated. */
  slice(from: number, limit: number): Buffer {
    const to = Math.min(from + limit, this.count);
    return Buffer.concat(Array.from({ length: Math.max(to - from, 0) }, (_, index) => this.at(from + index)));
  }

  private at(index: number): Buffer {
    const place = (index % SEGMENT_CLAIMS) * CLAIM_BYTES;
    return (this.segments[Math.floor(index / SEGMENT_CLAIMS)] as Buffer).subarray(place, place + CLAIM_BYTES);
  }

  /** Where the claim stands, or the free slot where it would. Claims are uniform, so their first bytes are the hash. */
  private slotOf(claim: Buffer): number {
    const mask = this.slots.length - 1;
    let slot = claim.readUInt32LE(0) & mask;
    for (;;) {
      const entry = this.slots[slot] as number;
      if (entry === 0 || this.at(entry - 1).equals(claim)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  private grow(): void {
    this.slots = new Int32Array(this.slots.length * 2);
    for (let index = 0; index < this.count; index++) this.slots[this.slotOf(this.at(index))] = index + 1;
  }
}
