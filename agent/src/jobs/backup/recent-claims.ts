const CLAIM_BYTES = 32;
/** More than are on their way to the vault at any time: whatever was asked about before that is answered by the vault itself. */
const CLAIMS_PER_GENERATION = 131_072;

/** Claims that came lately: the last 131,072 at least, and twice as many at most. They take 10 MB, however many there were. */
export class RecentClaims {
  private current: ClaimTable;
  private previous: ClaimTable;

  constructor(private readonly generation = CLAIMS_PER_GENERATION) {
    this.current = new ClaimTable(generation);
    this.previous = new ClaimTable(generation);
  }

  /** False if it came lately. */
  add(claim: Buffer): boolean {
    if (this.current.has(claim)) return false;
    const isNew = !this.previous.has(claim);
    if (this.current.size === this.generation) {
      const oldest = this.previous;
      this.previous = this.current;
      this.current = oldest;
      oldest.clear();
    }
    this.current.add(claim);
    return isNew;
  }
}

/** A hash table of a fixed size. Claims are uniform, so their first bytes are the hash. */
class ClaimTable {
  private readonly slots: Int32Array;
  private readonly claims: Buffer;
  size = 0;

  constructor(most: number) {
    this.slots = new Int32Array(2 ** Math.ceil(Math.log2(most * 1.5)));
    // Of the system's zeroed pages only those that are written take memory.
    this.claims = Buffer.alloc(most * CLAIM_BYTES);
  }

  has(claim: Buffer): boolean {
    return this.slots[this.slotOf(claim)] !== 0;
  }

  /** Only what is not there, and while there is room. */
  add(claim: Buffer): void {
    this.claims.set(claim, this.size * CLAIM_BYTES);
    this.size += 1;
    this.slots[this.slotOf(claim)] = this.size;
  }

  clear(): void {
    this.slots.fill(0);
    this.size = 0;
  }

  /** Where the claim stands, or the free slot where it would. */
  private slotOf(claim: Buffer): number {
    const mask = this.slots.length - 1;
    let slot = claim.readUInt32LE(0) & mask;
    for (;;) {
      const entry = this.slots[slot] as number;
      if (entry === 0 || this.isAt(entry - 1, claim)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  private isAt(index: number, claim: Buffer): boolean {
    return this.claims.compare(claim, 0, CLAIM_BYTES, index * CLAIM_BYTES, (index + 1) * CLAIM_BYTES) === 0;
  }
}
