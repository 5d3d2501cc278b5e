const BITS = 65_536;

/**
 * A set of copy numbers: bitmaps of 64 Ki numbers each, made when first needed. Copy numbers are
 * dense, so a set that names every one of ten million copies takes 1.25 MB, and none can take more
 * than one bit for each copy of the vault.
 */
export class CopySet {
  private readonly pages = new Map<number, Uint32Array>();

  add(copy: number): void {
    const page = this.page(Math.floor(copy / BITS));
    const bit = copy % BITS;
    page[bit >>> 5] = (page[bit >>> 5] ?? 0) | (1 << (bit & 31));
  }

  addRange(first: number, count: number): void {
    for (let copy = first; copy < first + count; copy++) this.add(copy);
  }

  has(copy: number): boolean {
    const page = this.pages.get(Math.floor(copy / BITS));
    if (page === undefined) return false;
    const bit = copy % BITS;
    return ((page[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0;
  }

  get bytes(): number {
    return this.pages.size * (BITS / 8);
  }

  private page(number: number): Uint32Array {
    let page = this.pages.get(number);
    if (page === undefined) {
      page = new Uint32Array(BITS / 32);
      this.pages.set(number, page);
    }
    return page;
  }
}
