/** How many there are of each key. */
export class CountedKeys {
  private readonly counts = new Map<string, number>();

  /** Counts one more unless there are `most` already. */
  add(key: string, most: number): boolean {
    const count = this.counts.get(key) ?? 0;
    if (count >= most) return false;
    this.counts.set(key, count + 1);
    return true;
  }

  remove(key: string): void {
    const left = (this.counts.get(key) ?? 0) - 1;
    if (left > 0) this.counts.set(key, left);
    else this.counts.delete(key);
  }

  get keys(): number {
    return this.counts.size;
  }
}
