import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CopyTable } from './copy-table.js';

/** The newest copies of chunks with this tag, and whether they have older ones. */
function found(table: CopyTable, tag: number): string[] {
  const all: string[] = [];
  table.find(tag, (copy, hasOlder) => all.push(`${copy}${hasOlder === 1 ? ' and older' : ''}`));
  return all.sort();
}

// Some tags meet, some differ in their last bits alone, and some in their first.
const tag = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  fc.integer({ min: 0, max: 5 }),
  fc.integer({ min: 0, max: 7 }).map((first) => first * 2 ** 28 + 5),
);

describe('a table of copies', () => {
  it('tells for each tag what was put in last, and nothing else', () => {
    const step = fc.record({ tag, replaces: fc.boolean(), which: fc.nat() });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 600, size: 'max' }),
        fc.array(tag, { maxLength: 20 }),
        fc.constantFrom(0, 40, 1_000),
        (steps, others, expected) => {
          const table = new CopyTable(expected, 8);
          const known = new Map<number, { copy: number; hasOlder: boolean }[]>();
          for (const [copy, { tag: own, replaces, which }] of steps.entries()) {
            const chunks = known.get(own) ?? [];
            known.set(own, chunks);
            const chunk = replaces ? chunks[which % Math.max(chunks.length, 1)] : undefined;
            if (chunk === undefined) {
              table.insert(own, copy);
              chunks.push({ copy, hasOlder: false });
            } else {
              expect(table.replace(own, chunk.copy, copy)).toBe(true);
              Object.assign(chunk, { copy, hasOlder: true });
            }
          }
          for (const asked of [...known.keys(), ...others])
            expect(found(table, asked)).toEqual(
              (known.get(asked) ?? []).map(({ copy, hasOlder }) => `${copy}${hasOlder ? ' and older' : ''}`).sort(),
            );
        },
      ),
    );
  });

  it('replaces nothing that is not there', () => {
    const table = new CopyTable(0, 8);
    table.insert(7, 1);
    expect(table.replace(7, 2, 3)).toBe(false);
    expect(table.replace(8, 1, 3)).toBe(false);
    expect(found(table, 7)).toEqual(['1']);
  });

  it('holds any number of chunks whose tags are the same, and finds the others as before', () => {
    const table = new CopyTable();
    const same = 0x1234567;
    for (let copy = 0; copy < 10_000; copy++) table.insert(same, copy);
    for (let copy = 10_000; copy < 60_000; copy++) table.insert(Math.imul(copy, 0x9e3779b1) >>> 1, copy);
    expect(found(table, same)).toHaveLength(10_000);
    for (let copy = 10_000; copy < 60_000; copy += 7)
      expect(found(table, Math.imul(copy, 0x9e3779b1) >>> 1)).toContain(`${copy}`);
  });

  it('holds the highest number of a copy and the highest tag', () => {
    const table = new CopyTable(0, 8);
    table.insert(2 ** 31 - 1, 2 ** 32 - 3);
    expect(found(table, 2 ** 31 - 1)).toEqual([`${2 ** 32 - 3}`]);
    expect(table.replace(2 ** 31 - 1, 2 ** 32 - 3, 2 ** 32 - 2)).toBe(true);
    expect(found(table, 2 ** 31 - 1)).toEqual([`${2 ** 32 - 2} and older`]);
  });
});
