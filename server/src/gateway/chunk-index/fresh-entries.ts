import { compareId, ENTRY_BYTES, ID_BYTES, numberOf, packOf, writeEntry } from './entry.js';

const FIRST_SLOTS = 4_096;
const FIRST_ENTRIES = 2_048;
const WORDS = ID_BYTES / 4;

/**
 * Entries that stand in no run yet, found by id: a hash table over one block of bytes, about 60 bytes
 * an entry. Ids come from agents, who may choose them so that they collide; the hash has a secret for that.
 */
export class FreshEntries {
  private readonly factors: readonly number[];
  private bytes = Buffer.allocUnsafeSlow(FIRST_ENTRIES * ENTRY_BYTES);
  /** By entry: the one before it with the same id, plus one. */
  private older = new Uint32Array(FIRST_ENTRIES);
  /** The newest entry of an id, plus one. */
  private slots = new Uint32Array(FIRST_SLOTS);
  private count = 0;

  /** @param secret 32 bytes */
  constructor(private readonly secret: Buffer) {
    this.factors = Array.from({ length: WORDS }, (_, word) => secret.readInt32LE(word * 4) | 1);
  }

  get size(): number {
    return this.count;
  }

  /** All entries, in the order they came. */
  get entries(): Buffer {
    return this.bytes.subarray(0, this.count * ENTRY_BYTES);
  }

  add(ids: Buffer, idAt: number, number: number, pack: number): void {
    if (this.count === this.older.length) this.grow();
    const slot = this.slotOf(ids, idAt);
    writeEntry(this.bytes, this.count * ENTRY_BYTES, ids, idAt, number, pack);
    this.older[this.count] = this.slots[slot] ?? 0;
    this.count += 1;
    this.slots[slot] = this.count;
  }

  /** Calls with number and pack of every copy of the chunk, newest first. */
  find(ids: Buffer, idAt: number, found: (number: number, pack: number) => void): void {
    if (this.count === 0) return;
    let entry = this.slots[this.slotOf(ids, idAt)] ?? 0;
    while (entry !== 0) {
      const at = (entry - 1) * ENTRY_BYTES;
      found(numberOf(this.bytes, at), packOf(this.bytes, at));
      entry = this.older[entry - 1] ?? 0;
    }
  }

  /** Without entries, with the same secret. */
  emptied(): FreshEntries {
    return new FreshEntries(this.secret);
  }

  /** The slot of this id, or the free one where it would stand. */
  private slotOf(ids: Buffer, idAt: number): number {
    const mask = this.slots.length - 1;
    let slot = this.hash(ids, idAt);
    for (;;) {
      const entry = this.slots[slot] ?? 0;
      if (entry === 0 || compareId(ids, idAt, this.bytes, (entry - 1) * ENTRY_BYTES) === 0) return slot;
      slot = (slot + 1) & mask;
    }
  }

  /** Multiply-add-shift: whatever two ids somebody chose, few factors make them meet. */
  private hash(ids: Buffer, idAt: number): number {
    let sum = 0;
    for (let word = 0; word < WORDS; word++)
      sum = (sum + Math.imul(ids.readInt32LE(idAt + word * 4), this.factors[word] as number)) | 0;
    return sum >>> (32 - Math.log2(this.slots.length));
  }

  private grow(): void {
    const bytes = Buffer.allocUnsafeSlow(this.bytes.length * 2);
    this.bytes.copy(bytes);
    this.bytes = bytes;
    this.older = new Uint32Array(this.older.length * 2);
    this.slots = new Uint32Array(this.slots.length * 2);
    for (let entry = 0; entry < this.count; entry++) {
      const slot = this.slotOf(this.bytes, entry * ENTRY_BYTES);
      this.older[entry] = this.slots[slot] ?? 0;
      this.slots[slot] = entry + 1;
    }
  }
}
