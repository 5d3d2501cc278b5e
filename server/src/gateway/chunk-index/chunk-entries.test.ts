import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ChunkEntries, type FrameIds } from './chunk-entries.js';
import { ENTRY_BYTES } from './entry.js';
import { PageBudget } from './page-budget.js';
import { PieceStore } from './piece-store.js';

const indexId = Buffer.alloc(16, 7);
const ID_BYTES = 32;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-entries-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const SUFFIXES = ['', '-wal', '.pieces'];

interface Moment {
  readonly path: string;
  readonly durable: number;
}

/** An index, as far as entries need one: frames that were recorded, and the file that is derived from them. */
class Bed {
  readonly frames: FrameIds[] = [];
  copies = 0;
  entries: ChunkEntries;
  private packs = 0;
  private moments = 0;

  constructor(
    private readonly sizes: { unit: number; greatest: number; piece: number },
    public path = join(folder, `${Math.random()}.sqlite`),
    readonly pages = new PageBudget(20_000),
  ) {
    this.entries = this.open();
  }

  record(frames: readonly Buffer[]): void {
    this.packs += 1;
    this.entries.makeRoom();
    const recorded = frames.map((ids) => {
      const frame = { firstCopy: this.copies, pack: this.packs, ids };
      this.copies += ids.length / ID_BYTES;
      return frame;
    });
    this.frames.push(...recorded);
    this.entries.add(recorded);
  }

  reopen(): void {
    this.entries.close();
    this.entries = this.open();
  }

  /** The files as they are now, with what nobody flushed. */
  copy(): Moment {
    this.moments += 1;
    const path = join(folder, `moment-${this.moments}.sqlite`);
    for (const suffix of SUFFIXES) if (existsSync(this.path + suffix)) copyFileSync(this.path + suffix, path + suffix);
    const db = new Database(path);
    const durable = db
      .prepare<[], number>("SELECT value FROM meta WHERE key = 'durable_piece'")
      .pluck()
      .get() as number;
    db.close();
    return { path, durable };
  }

  /** The process dies: memory is gone. */
  crash(): void {
    this.goOnFrom(this.copy().path);
  }

  /**
   * The power goes: the database is as at an earlier moment since it was flushed last, and of the pieces
   * written since then, some never came to the disk.
   */
  losePower({ path }: Moment, survives: () => boolean): void {
    copyFileSync(`${this.copy().path}.pieces`, `${path}.pieces`);
    const db = new Database(path);
    const unflushed = db
      .prepare<[], { slot: number }>(
        "SELECT slot FROM piece WHERE number > (SELECT value FROM meta WHERE key = 'durable_piece')",
      )
      .all();
    db.close();
    const slotBytes = this.sizes.piece * ENTRY_BYTES;
    const pieces = readFileSync(`${path}.pieces`);
    for (const { slot } of unflushed)
      if (!survives()) pieces.subarray(slot * slotBytes, (slot + 1) * slotBytes).fill(0);
    writeFileSync(`${path}.pieces`, pieces);
    this.goOnFrom(path);
  }

  goOnFrom(path: string): void {
    this.entries.close();
    this.path = path;
    this.entries = this.open();
  }

  found(id: Buffer): string[] {
    const found: string[] = [];
    this.entries.find(Buffer.concat([Buffer.alloc(ID_BYTES, 0xee), id]), (place, number, pack) => {
      if (place === 1) found.push(`${number} in ${pack}`);
    });
    return found.sort();
  }

  /** Against the plain definition: every copy of these chunks in the frames that were recorded. */
  check(ids: readonly Buffer[]): void {
    const copies = new Map<string, string[]>();
    for (const { ids: own, firstCopy, pack } of this.frames) {
      for (let at = 0; at < own.length; at += ID_BYTES) {
        const key = own.toString('hex', at, at + ID_BYTES);
        copies.set(key, [...(copies.get(key) ?? []), `${firstCopy + at / ID_BYTES} in ${pack}`]);
      }
    }
    const distinct = new Map(ids.map((id) => [id.toString('hex'), id]));
    expect([...distinct.values()].map((id) => this.found(id))).toEqual(
      [...distinct.keys()].map((key) => (copies.get(key) ?? []).sort()),
    );
  }

  open(): ChunkEntries {
    const { path, copies, pages, sizes } = this;
    const framesFrom = (copy: number): FrameIds[] => this.frames.filter(({ firstCopy }) => firstCopy >= copy);
    const frameOf = (copy: number): FrameIds => this.frames.findLast(({ firstCopy }) => firstCopy <= copy) as FrameIds;
    return new ChunkEntries({ path, indexId, copies, framesFrom, frameOf, pages, sizes });
  }
}

// Some ids share long beginnings, or all that the keys of a piece hold of them, as only made-up ones do.
const id = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.uint8Array({ minLength: ID_BYTES, maxLength: ID_BYTES }).map((bytes) => Buffer.from(bytes)),
  },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 0, max: 60 }).map((last) => Buffer.concat([Buffer.alloc(31, 9), Buffer.from([last])])),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 9 })).map(([third, last]) => {
      const bytes = Buffer.alloc(ID_BYTES, 0xff);
      bytes[3] = third;
      bytes[31] = last;
      return bytes;
    }),
  },
);
const frame = fc.array(id, { minLength: 1, maxLength: 40 }).map((ids) => Buffer.concat(ids));
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('record' as const),
      frames: fc.array(frame, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('tend' as const), times: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reopen' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'crash' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'remember' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('losePower' as const),
      moment: fc.nat(),
      survivors: fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ kind: 'lose' as const, suffix: '' }, { kind: 'lose' as const, suffix: '.pieces' }),
  },
);

const sizes = fc.record({
  unit: fc.integer({ min: 1, max: 60 }),
  greatest: fc.integer({ min: 60, max: 200 }),
  piece: fc.constantFrom(7, 30, 100, 220),
});

describe('entries', () => {
  it('are found, all of them and no others, whatever was recorded, merged, closed, lost or taken back by a power cut', () => {
    fc.assert(
      fc.property(
        sizes,
        fc.array(step, { maxLength: 25 }),
        fc.array(id, { maxLength: 5 }),
        (chosen, steps, strangers) => {
          const bed = new Bed(chosen);
          const moments: Moment[] = [];
          for (const each of steps) {
            if (each.kind === 'record') bed.record(each.frames);
            if (each.kind === 'tend') for (let time = 0; time < each.times; time++) bed.entries.tend();
            if (each.kind === 'reopen') bed.reopen();
            if (each.kind === 'crash') bed.crash();
            if (each.kind === 'remember') moments.push(bed.copy());
            if (each.kind === 'losePower') {
              const now = bed.copy();
              const possible = [...moments.filter(({ durable }) => durable === now.durable), now];
              let piece = 0;
              bed.losePower(
                possible[each.moment % possible.length] as Moment,
                () => each.survivors[piece++ % each.survivors.length] === true,
              );
            }
            if (each.kind === 'lose') {
              bed.entries.close();
              rmSync(bed.path + each.suffix);
              bed.entries = bed.open();
            }
            if (each.kind !== 'record' && each.kind !== 'tend' && each.kind !== 'remember') moments.length = 0;
          }
          const own = bed.frames.flatMap(({ ids }) =>
            Array.from({ length: ids.length / ID_BYTES }, (_, place) =>
              ids.subarray(place * ID_BYTES, (place + 1) * ID_BYTES),
            ),
          );
          bed.check([...own, ...strangers]);
          expect(bed.pages.bytes).toBeLessThanOrEqual(20_000);
          bed.entries.close();
          expect(bed.pages.bytes).toBe(0);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('are made anew from the frames when their file is damaged, of another index, or ahead of it', () => {
    const bed = new Bed({ unit: 10, greatest: 1_000, piece: 30 });
    const ids = Array.from({ length: 50 }, (_, each) => Buffer.alloc(ID_BYTES, each));
    for (let first = 0; first < 50; first += 5) bed.record([Buffer.concat(ids.slice(first, first + 5))]);

    bed.entries.close();
    writeFileSync(bed.path, Buffer.alloc(8_192, 'no database'));
    bed.entries = bed.open();
    bed.check(ids);

    bed.entries.close();
    const db = new Database(bed.path);
    db.prepare("UPDATE meta SET value = randomblob(16) WHERE key = 'index_id'").run();
    db.close();
    writeFileSync(`${bed.path}.pieces`, '');
    bed.entries = bed.open();
    bed.check(ids);

    // An index out of an older copy gives the numbers of its newest copies again, to other chunks.
    bed.entries.close();
    bed.frames.length = 4;
    bed.copies = 20;
    bed.entries = bed.open();
    bed.record([Buffer.concat(ids.slice(40))]);
    bed.check(ids);
    bed.entries.close();
  });

  it('are not read one by one where chunks are asked for in the order in which they were stored', () => {
    const bed = new Bed({ unit: 100, greatest: 100_000, piece: 300 });
    const perFrame = 50;
    const ids = Array.from({ length: 2_000 }, () => randomBytes(ID_BYTES));
    for (let first = 0; first < ids.length; first += perFrame)
      bed.record([Buffer.concat(ids.slice(first, first + perFrame))]);
    // What was stored again since, and what stands in no run yet, has to be found as well.
    bed.record([Buffer.concat([ids[7] as Buffer, ids[300] as Buffer])]);
    const reads = vi.spyOn(PieceStore.prototype, 'read');
    const ask = (asked: readonly Buffer[]): number => {
      reads.mockClear();
      bed.check(asked);
      return reads.mock.calls.length;
    };
    const sorted = ids.slice(0, 1_800);
    expect(ask(sorted)).toBeLessThan(0.1 * sorted.length);
    // Of files that have changed, the chunks are left out.
    const most = sorted.filter((_, place) => place % 10 !== 3);
    expect(ask(most)).toBeLessThan(0.3 * most.length);
    expect(ask(sorted.toReversed())).toBeGreaterThanOrEqual(0.9 * sorted.length);
    reads.mockRestore();
    bed.entries.close();
  });

  it('that somebody made up to collide neither hide others nor make look-ups read a whole run', () => {
    const bed = new Bed({ unit: 500, greatest: 2_000, piece: 300 });
    const madeUp = Array.from({ length: 3_000 }, (_, each) => {
      const bytes = Buffer.alloc(ID_BYTES, 5);
      bytes.writeUInt32BE(each, 28);
      return bytes;
    });
    for (let first = 0; first < madeUp.length; first += 250) {
      bed.record([Buffer.concat(madeUp.slice(first, first + 250))]);
      while (bed.entries.tend());
    }
    for (const each of [0, 1, 1_499, 2_999])
      expect(bed.found(madeUp[each] as Buffer)).toEqual([`${each} in ${Math.floor(each / 250) + 1}`]);
    expect(bed.found(Buffer.alloc(ID_BYTES, 5))).toEqual([]);
    bed.entries.close();
  });
});
