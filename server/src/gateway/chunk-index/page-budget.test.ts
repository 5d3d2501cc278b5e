import { describe, expect, it } from 'vitest';
import { type Page, PageBudget } from './page-budget.js';

class TestPage implements Page {
  readonly bytes = 10;
  used = true;
  dropped = false;

  drop(): void {
    this.dropped = true;
  }
}

function pages(budget: PageBudget, count: number): TestPage[] {
  const made = Array.from({ length: count }, () => new TestPage());
  for (const page of made) budget.admit(page);
  return made;
}

describe('a page budget', () => {
  it('stays below its limit by dropping what was not used lately', () => {
    const budget = new PageBudget(100);
    const made = pages(budget, 10);
    for (const page of made.slice(5)) page.used = false;
    const more = pages(budget, 5);
    expect(budget.bytes).toBe(100);
    expect(made.map(({ dropped }) => dropped)).toEqual(made.map((_, place) => place >= 5));
    expect(more.some(({ dropped }) => dropped)).toBe(false);
  });

  it('keeps the newest page, however large it is', () => {
    const budget = new PageBudget(5);
    const made = pages(budget, 2);
    expect(made.map(({ dropped }) => dropped)).toEqual([true, false]);
    expect(budget.bytes).toBe(10);
  });

  it('counts what its owner released no more', () => {
    const budget = new PageBudget(100);
    const made = pages(budget, 3);
    for (const page of made) budget.release(page);
    budget.release(made[0] as Page);
    expect(budget.bytes).toBe(0);
    pages(budget, 10);
    expect(made.some(({ dropped }) => dropped)).toBe(false);
  });
});
