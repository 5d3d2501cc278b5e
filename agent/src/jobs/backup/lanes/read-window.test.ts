import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HeldRun, ReadWindow } from './read-window.js';

const LONGEST = 40;
const BLOCK = 10;

/** What a reader does with a window, with numbered bytes, so that each chunk shows whether it is still what it was. */
function play(
  bytes: number,
  steps: readonly { readonly fill: number; readonly cut: number; readonly release: number }[],
) {
  const window = new ReadWindow(Buffer.alloc(bytes), LONGEST);
  const held: { run: HeldRun; copy: Buffer }[] = [];
  let next = 0;
  const pending: number[] = [];
  let refused = 0;
  const intact = (): void => {
    for (const { run, copy } of held) expect(run.bytes.equals(copy)).toBe(true);
  };
  const take = (length: number): void => {
    const run = window.take(length);
    held.push({ run, copy: Buffer.from(pending.splice(0, length)) });
  };
  for (const { fill, cut, release } of steps) {
    const space = window.space(fill);
    if (space === undefined) {
      refused += 1;
      // Whoever holds nothing always has room.
      expect(held.length).toBeGreaterThan(0);
    } else {
      expect(space.length).toBe(fill);
      for (let at = 0; at < fill; at++) {
        space[at] = next & 0xff;
        pending.push(next++ & 0xff);
      }
      expect(window.grow(fill).equals(Buffer.from(pending))).toBe(true);
      if (pending.length > 0 && cut > 0) take(Math.min(cut, pending.length));
      if (pending.length > LONGEST - BLOCK) take(pending.length);
    }
    intact();
    for (const { run } of held.splice(release % (held.length + 1), 2)) run.release();
    if (space === undefined) for (const { run } of held.splice(0, 1)) run.release();
  }
  return refused;
}

describe('the window that files are read into', () => {
  it('never gives room that a held chunk lies in, and always finds room once chunks are released', () => {
    const step = fc.record({
      fill: fc.integer({ min: 1, max: BLOCK }),
      cut: fc.integer({ min: 0, max: BLOCK }),
      release: fc.nat({ max: 100 }),
    });
    let refused = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: LONGEST + BLOCK, max: 3 * LONGEST }),
        fc.array(step, { maxLength: 300 }),
        (bytes, steps) => {
          refused += play(bytes, steps);
        },
      ),
    );
    expect(refused).toBeGreaterThan(0);
  });

  it('goes on behind a chunk that was dropped', () => {
    const window = new ReadWindow(Buffer.alloc(100), LONGEST);
    window.space(8);
    window.grow(8);
    window.drop();
    expect(window.grow(0)).toHaveLength(0);
    expect(window.space(8)).toHaveLength(8);
  });
});
