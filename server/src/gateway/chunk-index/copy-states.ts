import type { Page, PageBudget } from './page-budget.js';
import type { Statements } from './statements.js';

/** About what fits beside its number into one page of the file. */
const COPIES_PER_PAGE = 4_000;

interface StatesPage extends Page {
  readonly bits: Buffer;
}

/**
 * The state of every copy, by its number: what is often changed for many copies of one pack at once
 * stands together, and apart from the entries, which never change.
 */
export class CopyStates {
  private readonly pages = new Map<number, StatesPage>();

  constructor(
    private readonly sql: Pick<Statements, 'states' | 'setStates'>,
    private readonly budget: PageBudget,
  ) {}

  of(copy: number): number {
    return this.page(Math.floor(copy / COPIES_PER_PAGE)).bits[copy % COPIES_PER_PAGE] as number;
  }

  /** Within a transaction of the caller, who calls `forget` when it fails. */
  change(copies: readonly number[], set: number, clear: number): void {
    const changed = new Map<number, Buffer>();
    for (const copy of copies) {
      const number = Math.floor(copy / COPIES_PER_PAGE);
      let bits = changed.get(number);
      if (bits === undefined) {
        bits = this.page(number).bits;
        changed.set(number, bits);
      }
      const place = copy % COPIES_PER_PAGE;
      bits[place] = ((bits[place] as number) | set) & ~clear;
    }
    for (const [number, bits] of changed) this.sql.setStates.run(number, bits);
  }

  forget(): void {
    for (const page of this.pages.values()) this.budget.release(page);
    this.pages.clear();
  }

  private page(number: number): StatesPage {
    const known = this.pages.get(number);
    if (known !== undefined) {
      known.used = true;
      return known;
    }
    const bits = this.sql.states.get(number) ?? Buffer.alloc(COPIES_PER_PAGE);
    const page = { bits, bytes: bits.length, used: true, drop: () => void this.pages.delete(number) };
    this.pages.set(number, page);
    this.budget.admit(page);
    return page;
  }
}
