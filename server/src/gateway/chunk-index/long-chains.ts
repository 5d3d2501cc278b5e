/** So many copies of one chunk are read at each look-up. */
const LONG = 64;

/**
 * Somebody may store one chunk again and again, and all of its copies are told at each look-up. Of a chunk with many they are remembered
 * once they were read, in 8 bytes each: no more than as many different chunks take.
 */
export class LongChains {
  /** Copies, each with its pack, newest first; by the newest of them. */
  private readonly chains = new Map<number, Uint32Array>();

  /** A copy that is remembered, and all older ones of its chunk. */
  from(copy: number): Uint32Array | undefined {
    return this.chains.get(copy);
  }

  /** Copies that were read, each with its pack, newest first, and those after them that were remembered. */
  remember(read: readonly number[], older: Uint32Array = new Uint32Array(0)): void {
    const [newest] = read;
    if (newest === undefined || read.length < LONG * 2) return;
    const chain = new Uint32Array(read.length + older.length);
    chain.set(read);
    chain.set(older, read.length);
    if (older[0] !== undefined) this.chains.delete(older[0]);
    this.chains.set(newest, chain);
  }
}
