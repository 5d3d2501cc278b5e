import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ChunkEntries, type EntrySizes, type FrameIds } from './chunk-entries.js';
import { EntriesFile, type EntriesHeader } from './entries-file.js';
import { ENTRY_BYTES, ID_BYTES, ID_WORDS, wordsOf } from './entry.js';
import { IdHash } from './id-hash.js';
import { TableSegment } from './table-segment.js';

const indexId = Buffer.alloc(16, 7);
/** As the format has them. */
const HEADER_BYTES = 512;
const SECRET_AT = 28;
const DURABLE_AT = 40;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-entries-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

/** An index, as far as entries need one: frames that were recorded, and the file that is derived from them. */
class Bed {
  frames: FrameIds[] = [];
  copies = 0;
  entries: ChunkEntries;
  private packs = 0;
  private files = 0;

  constructor(
    private readonly sizes: EntrySizes,
    public path = join(folder, `${Math.random()}`),
  ) {
    this.entries = this.open();
  }

  /** A transaction that fails records nothing. */
  record(frames: readonly Buffer[], succeeds = true): void {
    let next = this.copies;
    const recorded = frames.map((ids) => {
      const frame = { firstCopy: next, pack: this.packs + 1, ids };
      next += ids.length / ID_BYTES;
      return frame;
    });
    this.entries.prepare(recorded);
    if (!succeeds) return;
    this.packs += 1;
    this.copies = next;
    this.frames.push(...recorded);
    this.entries.add();
  }

  reopen(change: (file: Buffer) => Buffer = (file) => file): void {
    this.entries.close();
    writeFileSync(this.path, change(readFileSync(this.path)));
    this.entries = this.open();
  }

  /** The process dies, and what it had in memory is gone; the file is as `change` makes it. */
  crash(change: (file: Buffer) => Buffer = (file) => file): void {
    this.files += 1;
    const path = join(folder, `after-crash-${this.files}`);
    copyFileSync(this.path, path);
    writeFileSync(path, change(readFileSync(path)));
    this.entries.close();
    this.path = path;
    this.entries = this.open();
  }

  /** What the file says of itself. */
  get header(): EntriesHeader {
    const file = new EntriesFile(this.path);
    try {
      return file.readHeader() as EntriesHeader;
    } finally {
      file.close();
    }
  }

  found(id: Buffer): string[] {
    const found: string[] = [];
    this.entries.find(Buffer.concat([Buffer.alloc(ID_BYTES, 0xee), id]), (place, number, pack) => {
      if (place === 1) found.push(`${number} in ${pack}`);
    });
    return found.sort();
  }

  /** Against the plain definition: every copy of these chunks in the frames that were recorded. */
  check(ids: readonly Buffer[] = this.ids()): void {
    const copies = new Map<string, string[]>();
    for (const { ids: own, firstCopy, pack } of this.frames) {
      for (let at = 0; at < own.length; at += ID_BYTES) {
        const key = own.toString('hex', at, at + ID_BYTES);
        copies.set(key, [...(copies.get(key) ?? []), `${firstCopy + at / ID_BYTES} in ${pack}`]);
      }
    }
    const distinct = [...new Map(ids.map((id) => [id.toString('hex'), id])).values()];
    const found = distinct.map((): string[] => []);
    this.entries.find(Buffer.concat(distinct), (place, copy, pack) => found[place]?.push(`${copy} in ${pack}`));
    expect(found.map((each) => each.sort())).toEqual(
      distinct.map((id) => (copies.get(id.toString('hex')) ?? []).sort()),
    );
  }

  ids(): Buffer[] {
    return this.frames.flatMap(({ ids }) => idsOf(ids));
  }

  open(): ChunkEntries {
    const { path, copies, sizes, frames } = this;
    const framesFrom = (copy: number): FrameIds[] => frames.filter(({ firstCopy }) => firstCopy >= copy);
    const frameOf = (copy: number): FrameIds => frames.findLast(({ firstCopy }) => firstCopy <= copy) as FrameIds;
    return ChunkEntries.open({ path, indexId, copies, framesFrom, frameOf, draw: randomBytes, sizes });
  }
}

function idsOf(concatenated: Buffer): Buffer[] {
  return Array.from({ length: concatenated.length / ID_BYTES }, (_, place) =>
    concatenated.subarray(place * ID_BYTES, (place + 1) * ID_BYTES),
  );
}

/** The bytes of an entry in the file. */
function entryIn(file: Buffer, copy: number): Buffer {
  return file.subarray(HEADER_BYTES + copy * ENTRY_BYTES, HEADER_BYTES + (copy + 1) * ENTRY_BYTES);
}

function change(path: string, work: (file: Buffer) => void): void {
  const file = readFileSync(path);
  work(file);
  writeFileSync(path, file);
}

// Some ids come again and again, and some share long beginnings, as only made-up ones do.
const id = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.uint8Array({ minLength: ID_BYTES, maxLength: ID_BYTES }).map((bytes) => Buffer.from(bytes)),
  },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 0, max: 60 }).map((last) => Buffer.concat([Buffer.alloc(31, 9), Buffer.from([last])])),
  },
);
const frame = fc.array(id, { minLength: 1, maxLength: 40 }).map((ids) => Buffer.concat(ids));
const frames = fc.array(frame, { minLength: 1, maxLength: 3 });
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('record' as const), frames }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('fail' as const), frames }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reopen' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'crash' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'lose' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('damage' as const), at: fc.nat(), bit: fc.nat(7) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('losePower' as const),
      header: fc.nat(),
      survivors: fc.array(fc.constantFrom('whole', 'zeros', 'half'), { minLength: 1, maxLength: 4 }),
      cut: fc.option(fc.nat(200)),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never;

const sizes = fc.record({
  segmentSlots: fc.constantFrom(2, 8, 64),
  block: fc.integer({ min: 1, max: 60 }),
  betweenSyncs: fc.integer({ min: 1, max: 100 }),
});
const SIZES: EntrySizes = { segmentSlots: 64, block: 100, betweenSyncs: 100 };

/** The disk kept what was waited for. Of what came after it, it may have any part, and the header of any moment. */
function afterPowerCut(file: Buffer, headers: readonly Buffer[], { survivors, cut, ...cutOf }: PowerCut): Buffer {
  const durable = readDurable(file);
  const end = Math.floor((file.length - HEADER_BYTES) / ENTRY_BYTES);
  for (let copy = durable; copy < end; copy++) {
    const kept = survivors[copy % survivors.length];
    if (kept === 'zeros') entryIn(file, copy).fill(0);
    if (kept === 'half') entryIn(file, copy).fill(0, ENTRY_BYTES / 2);
  }
  headers[cutOf.header % Math.max(headers.length, 1)]?.copy(file);
  return file.subarray(0, cut === null ? file.length : HEADER_BYTES + (durable + cut) * ENTRY_BYTES);
}
type PowerCut = Extract<Step, { kind: 'losePower' }>;

describe('entries', () => {
  it('are found, all of them and no others, whatever was recorded, taken back, closed, damaged, lost or cut off', () => {
    fc.assert(
      fc.property(
        sizes,
        fc.array(step, { maxLength: 25 }),
        fc.array(id, { maxLength: 5 }),
        (chosen, steps, strangers) => {
          const bed = new Bed(chosen);
          let headers: Buffer[] = [];
          for (const each of steps) {
            switch (each.kind) {
              case 'record':
                bed.record(each.frames);
                break;
              case 'fail':
                bed.record(each.frames, false);
                break;
              case 'reopen':
                bed.reopen();
                break;
              case 'crash':
                bed.crash();
                break;
              case 'losePower':
                bed.crash((file) => afterPowerCut(file, headers, each));
                break;
              case 'damage':
                bed.reopen((file) => {
                  const at = each.at % file.length;
                  file[at] = (file[at] as number) ^ (1 << each.bit);
                  return file;
                });
                break;
              case 'lose':
                bed.entries.close();
                rmSync(bed.path);
                bed.entries = bed.open();
            }
            const header = readFileSync(bed.path).subarray(0, HEADER_BYTES);
            // What it is begun with is waited for.
            headers = [...headers.filter((known) => secretIn(known).equals(secretIn(header))), header];
          }
          bed.check([...bed.ids(), ...strangers]);
          bed.entries.close();
          bed.entries = bed.open();
          bed.check([...bed.ids(), ...strangers]);
          bed.entries.close();
        },
      ),
      { numRuns: 100 },
    );
  });

  it('are made anew from the frames when their file is of another index, or ahead of it', () => {
    const bed = new Bed({ ...SIZES, betweenSyncs: 5 });
    const ids = Array.from({ length: 50 }, (_, each) => Buffer.alloc(ID_BYTES, each));
    for (let first = 0; first < 50; first += 5) bed.record([Buffer.concat(ids.slice(first, first + 5))]);

    bed.entries.close();
    const { header } = bed;
    const file = new EntriesFile(bed.path);
    file.writeHeader({ ...header, indexId: Buffer.alloc(16, 8) });
    file.close();
    bed.entries = bed.open();
    bed.check(ids);
    expect(bed.header.secret).not.toEqual(header.secret);

    // An index out of an older copy gives the numbers of its newest copies again, to other chunks.
    bed.entries.close();
    const ahead = readFileSync(bed.path);
    bed.frames.length = 4;
    bed.copies = 20;
    bed.entries = bed.open();
    bed.record([Buffer.concat(ids.slice(40))]);
    bed.check(ids);
    // Also where the file comes back once the index has as many copies again.
    bed.record([Buffer.concat(ids.slice(10, 40))]);
    expect(bed.copies).toBeGreaterThan(50);
    bed.reopen(() => ahead);
    bed.check(ids);
    bed.entries.close();
  });

  it('that are durable are read and not made anew, but for one that the disk has changed', () => {
    const bed = new Bed(SIZES);
    for (let pack = 0; pack < 10; pack++) bed.record([randomBytes(50 * ID_BYTES)]);
    bed.record([bed.frames[3]?.ids as Buffer]);
    bed.entries.close();
    const asked: string[] = [];
    const reopenWatched = (): void => {
      const { path, copies, frames: recorded } = bed;
      asked.length = 0;
      bed.entries = ChunkEntries.open({
        path,
        indexId,
        copies,
        framesFrom: (copy) => {
          asked.push(`from ${copy}`);
          return recorded.filter(({ firstCopy }) => firstCopy >= copy);
        },
        frameOf: (copy) => {
          asked.push(`of ${copy}`);
          return recorded.findLast(({ firstCopy }) => firstCopy <= copy) as FrameIds;
        },
        draw: randomBytes,
        sizes: SIZES,
      });
    };
    reopenWatched();
    expect(asked).toEqual(['of 549', 'from 550']);
    bed.check();
    bed.entries.close();

    const sound = readFileSync(bed.path);
    change(bed.path, (file) => entryIn(file, 180).fill(1));
    reopenWatched();
    expect(asked).toEqual(['of 549', 'of 180', 'from 550']);
    bed.check();
    bed.entries.close();
    expect(readFileSync(bed.path)).toEqual(sound);
  });

  it('that a disk changes or puts elsewhere while they are in use are refused, and made anew at the next start', () => {
    const bed = new Bed(SIZES);
    const chunk = randomBytes(ID_BYTES);
    bed.record([Buffer.concat([chunk, randomBytes(9 * ID_BYTES)])]);
    bed.record([Buffer.concat([randomBytes(9 * ID_BYTES), chunk])]);
    bed.reopen();
    const sound = readFileSync(bed.path);
    const damages: ((file: Buffer) => void)[] = [
      ...Array.from({ length: ENTRY_BYTES }, (_, byte) => (file: Buffer) => {
        const entry = entryIn(file, 19);
        entry[byte] = (entry[byte] as number) ^ 0x10;
      }),
      (file) => entryIn(file, 18).copy(file, entryIn(file, 19).byteOffset - file.byteOffset),
      (file) => entryIn(file, 0).fill(0),
    ];
    for (const damage of damages) {
      change(bed.path, damage);
      expect(() => bed.found(chunk)).toThrowError(expect.objectContaining({ code: 'INDEX_DAMAGED' }));
      writeFileSync(bed.path, sound);
      expect(bed.found(chunk)).toEqual(['0 in 1', '19 in 2']);
    }
    change(bed.path, damages[0] as (file: Buffer) => void);
    // The copy of a damaged one could not name it.
    expect(() => bed.record([chunk])).toThrowError(expect.objectContaining({ code: 'INDEX_DAMAGED' }));
    bed.reopen();
    bed.record([chunk]);
    bed.check();
    bed.entries.close();
  });

  it('are not read one by one where chunks are asked for in the order in which they were stored', () => {
    const bed = new Bed(SIZES);
    const perFrame = 50;
    const ids = Array.from({ length: 2_000 }, () => randomBytes(ID_BYTES));
    for (let first = 0; first < ids.length; first += perFrame)
      bed.record([Buffer.concat(ids.slice(first, first + perFrame))]);
    // What was stored again since, and what stands in memory yet, has to be found as well.
    bed.record([Buffer.concat([ids[7] as Buffer, ids[300] as Buffer])]);
    const reads = vi.spyOn(EntriesFile.prototype, 'read');
    const ask = (asked: readonly Buffer[]): number => {
      reads.mockClear();
      for (let first = 0; first < asked.length; first += 128) bed.check(asked.slice(first, first + 128));
      return reads.mock.calls.length;
    };
    const stored = ids.slice(0, 1_800);
    expect(ask(stored)).toBeLessThan(0.1 * stored.length);
    // Of files that have changed, the chunks are left out.
    const most = stored.filter((_, place) => place % 10 !== 3);
    expect(ask(most)).toBeLessThan(0.1 * most.length);
    const few = stored.filter((_, place) => place % 10 === 3);
    expect(ask(few)).toBeGreaterThanOrEqual(0.9 * few.length);
    bed.entries.close();
  });

  it('of different chunks whose tags are the same are told apart', () => {
    const bed = new Bed({ ...SIZES, block: 65_536 });
    const hash = new IdHash(bed.header.secret);
    const many = randomBytes(300_000 * ID_BYTES);
    const words = wordsOf(many);
    const first = new Map<number, number>();
    const pairs: [Buffer, Buffer][] = [];
    for (const [place, own] of idsOf(many).entries()) {
      const tag = hash.tagOf(words, place * ID_WORDS);
      const other = first.get(tag);
      if (other === undefined) first.set(tag, place);
      else pairs.push([many.subarray(other * ID_BYTES, (other + 1) * ID_BYTES), own]);
    }
    expect(pairs.length).toBeGreaterThan(0);
    for (const [one, other] of pairs) {
      bed.record([one]);
      expect(bed.found(other)).toEqual([]);
      bed.record([Buffer.concat([other, one])]);
    }
    bed.check(pairs.flat());
    bed.crash();
    bed.check(pairs.flat());
    bed.entries.close();
  });

  it('of a chunk that somebody stores again and again are all found, and in the way of no other', () => {
    const bed = new Bed({ ...SIZES, segmentSlots: 8 });
    const [chunk, other] = [randomBytes(ID_BYTES), randomBytes(ID_BYTES)];
    for (let time = 0; time < 500; time++) bed.record([Buffer.concat([chunk, time === 250 ? other : chunk])]);
    expect(bed.found(chunk)).toHaveLength(999);
    bed.check();
    bed.reopen();
    bed.check();
    bed.entries.close();
  });

  it('of a chunk with very many copies are read once, and those that came since', () => {
    const bed = new Bed(SIZES);
    const [chunk, other] = [randomBytes(ID_BYTES), randomBytes(ID_BYTES)];
    const storeAgain = (times: number): void => {
      for (let time = 0; time < times; time++)
        bed.record([Buffer.concat([chunk, time % 50 === 0 ? other : randomBytes(ID_BYTES)])]);
    };
    const reads = vi.spyOn(EntriesFile.prototype, 'read');
    const readsToFind = (copies: number): number => {
      reads.mockClear();
      expect(new Set(bed.found(chunk)).size).toBe(copies);
      bed.check([chunk, other]);
      return reads.mock.calls.length / 2;
    };
    let copies = 0;
    for (const times of [300, 20, 100, 1]) {
      storeAgain(times);
      copies += times;
      expect(readsToFind(copies)).toBeGreaterThan(0);
      expect(readsToFind(copies)).toBeLessThan(40);
    }
    bed.reopen();
    expect(readsToFind(copies)).toBeGreaterThan(copies / 2);
    expect(readsToFind(copies)).toBeLessThan(40);
    bed.check();
    bed.entries.close();
  });

  it('that the disk does not take leave everything as it was, and are made when it takes them again', () => {
    const bed = new Bed(SIZES);
    const recorded = randomBytes(20 * ID_BYTES);
    bed.record([recorded]);
    const failures = [
      ['write', 'ENOSPC'],
      ['write', 'EIO'],
      ['read', 'EIO'],
    ] as const;
    for (const [call, code] of failures) {
      vi.spyOn(EntriesFile.prototype, call).mockImplementation(() => {
        throw Object.assign(new Error(code), { code });
      });
      const again = recorded.subarray(0, ID_BYTES);
      expect(() => bed.record([again, randomBytes(ID_BYTES)])).toThrowError(code);
      expect(() => bed.record([again])).toThrowError(code);
      vi.restoreAllMocks();
      bed.check();
      bed.record([randomBytes(5 * ID_BYTES), again]);
      bed.check();
    }
    bed.crash();
    bed.check();
    bed.record([randomBytes(5 * ID_BYTES)]);
    vi.spyOn(EntriesFile.prototype, 'write').mockImplementation(() => {
      throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    });
    bed.entries.close();
    vi.restoreAllMocks();
    bed.entries = bed.open();
    bed.check();
    bed.entries.close();
  });

  it('that were recorded when memory ran out are found once there is some, or at the next start', () => {
    for (const isReopened of [false, true]) {
      const bed = new Bed({ ...SIZES, segmentSlots: 8 });
      bed.record([randomBytes(5 * ID_BYTES)]);
      vi.spyOn(TableSegment.prototype, 'halves').mockImplementationOnce(() => {
        throw new RangeError('Array buffer allocation failed');
      });
      expect(() => bed.record([randomBytes(5 * ID_BYTES)])).toThrowError(RangeError);
      expect(bed.copies).toBe(10);
      bed.check(bed.ids().slice(0, 5));
      if (isReopened) bed.reopen();
      else bed.record([Buffer.concat([bed.ids()[9] as Buffer, randomBytes(3 * ID_BYTES)])]);
      bed.check();
      bed.reopen();
      bed.check();
      bed.entries.close();
    }
  });

  it('are made anew where the disk cannot read their file any more, and refused where it can do nothing', () => {
    const bed = new Bed(SIZES);
    for (let pack = 0; pack < 5; pack++) bed.record([randomBytes(50 * ID_BYTES)]);
    const failing = (): never => {
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    for (const call of ['readHeader', 'read'] as const) {
      bed.entries.close();
      const { secret } = bed.header;
      vi.spyOn(EntriesFile.prototype, call).mockImplementationOnce(failing);
      bed.entries = bed.open();
      expect(bed.header.secret).not.toEqual(secret);
      bed.check();
    }
    bed.entries.close();
    const open = readdirSync('/proc/self/fd').length;
    vi.spyOn(EntriesFile.prototype, 'readHeader').mockImplementation(failing);
    expect(() => bed.open()).toThrowError('EIO');
    expect(readdirSync('/proc/self/fd')).toHaveLength(open);
    vi.restoreAllMocks();
    bed.entries = bed.open();
    bed.check();
    bed.entries.close();
  });

  it('are not believed after a disk once failed to make them durable, whatever it says later', () => {
    const bed = new Bed(SIZES);
    bed.record([randomBytes(150 * ID_BYTES)]);
    bed.record([randomBytes(10 * ID_BYTES)]);
    expect(bed.header.durable).toBe(150);
    bed.record([randomBytes(150 * ID_BYTES)]);
    const sync = vi.spyOn(EntriesFile.prototype, 'sync').mockImplementationOnce(() => {
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    });
    expect(() => bed.record([randomBytes(ID_BYTES)])).toThrowError('EIO');
    for (let pack = 0; pack < 5; pack++) bed.record([randomBytes(100 * ID_BYTES)]);
    expect(sync).toHaveBeenCalledTimes(1);
    bed.check();
    bed.crash((file) => file.fill(0, HEADER_BYTES + 150 * ENTRY_BYTES));
    bed.check();
    expect(bed.header.durable).toBeGreaterThan(150);
    bed.entries.close();
  });
});

function readDurable(file: Buffer): number {
  return file.readUIntLE(DURABLE_AT, 6);
}

function secretIn(header: Buffer): Buffer {
  return header.subarray(SECRET_AT, DURABLE_AT);
}
