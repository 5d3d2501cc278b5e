/** Something read from a file that can be read again. */
export interface Page {
  readonly bytes: number;
  /** Used since it was last looked at. */
  used: boolean;
  /** Forgets the page; its owner reads it anew when it needs it. */
  drop(): void;
}

/**
 * Keeps what all indexes of a gateway hold in memory below one limit. Pages that were not used for a
 * round are dropped first (the clock algorithm: a hand goes round, and who was used gets another round).
 */
export class PageBudget {
  private readonly pages: Page[] = [];
  private readonly places = new Map<Page, number>();
  private hand = 0;
  private held = 0;

  constructor(private readonly limit: number) {}

  get bytes(): number {
    return this.held;
  }

  admit(page: Page): void {
    this.places.set(page, this.pages.push(page) - 1);
    this.held += page.bytes;
    while (this.held > this.limit && this.pages.length > 1) this.turn(page);
  }

  /** The page is gone for another reason. */
  release(page: Page): void {
    const place = this.places.get(page);
    if (place === undefined) return;
    this.places.delete(page);
    this.held -= page.bytes;
    const last = this.pages.pop();
    if (last === undefined || last === page) return;
    this.pages[place] = last;
    this.places.set(last, place);
  }

  private turn(admitted: Page): void {
    if (this.hand >= this.pages.length) this.hand = 0;
    const page = this.pages[this.hand];
    if (page === undefined) return;
    if (page === admitted) this.hand += 1;
    else if (page.used) {
      page.used = false;
      this.hand += 1;
    } else {
      this.release(page);
      page.drop();
    }
  }
}
