import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isHoldfastError } from '@holdfast/core/errors';
import { seededRandom } from '@holdfast/core/ids';
import { ChunkEntries, type FrameIds } from './chunk-entries.js';
import { ID_BYTES } from './entry.js';
import { asIndexError } from './index-errors.js';
import { PageBudget } from './page-budget.js';

/** So small that some hundred entries make several runs of several pieces, and merges that are under way. */
const SIZES = { unit: 40, greatest: 200, piece: 30 };
const FRAMES = 45;
const IDS_PER_FRAME = 10;
const COPIES = FRAMES * IDS_PER_FRAME;

const random = seededRandom('damaged entries');
const indexId = random.bytes(16);
/** Every twentieth id has been stored before. */
const ids = Array.from({ length: COPIES }, () => random.bytes(ID_BYTES)).map((id, at, all) =>
  at % 20 === 19 ? (all[at - 11] as Buffer) : id,
);
const frames: readonly FrameIds[] = Array.from({ length: FRAMES }, (_, at) => ({
  firstCopy: at * IDS_PER_FRAME,
  pack: at + 1,
  ids: Buffer.concat(ids.slice(at * IDS_PER_FRAME, (at + 1) * IDS_PER_FRAME)),
}));
const asked = Buffer.concat([...ids, ...Array.from({ length: 50 }, () => random.bytes(ID_BYTES))]);
const truth = describeAll((place, found) => {
  ids.forEach((id, copy) => {
    if (ids[place]?.equals(id)) found(copy, Math.floor(copy / IDS_PER_FRAME) + 1);
  });
});

/** What is found of each id that is asked for, as one text. */
function describeAll(find: (place: number, found: (number: number, pack: number) => void) => void): string {
  const lines = Array.from({ length: asked.length / ID_BYTES }, (_, place) => {
    const copies: string[] = [];
    find(place, (number, pack) => copies.push(`${number} in ${pack}`));
    return copies.sort().join();
  });
  return lines.join('\n');
}

function open(path: string, from: readonly FrameIds[], copies: number): ChunkEntries {
  const framesFrom = (copy: number): FrameIds[] => from.filter(({ firstCopy }) => firstCopy >= copy);
  const frameOf = (copy: number): FrameIds => from.findLast(({ firstCopy }) => firstCopy <= copy) as FrameIds;
  const pages = new PageBudget(20_000);
  return new ChunkEntries({ path, indexId, copies, framesFrom, frameOf, pages, sizes: SIZES });
}

function inFolder<T>(work: (path: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-entries-'));
  try {
    return work(join(folder, 'entries.sqlite'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Both files of a process that has ended, in the middle of its merges. */
function made(): { readonly rows: Buffer; readonly pieces: Buffer } {
  return inFolder((path) => {
    const entries = open(path, [], 0);
    for (const [at, frame] of frames.entries()) {
      entries.makeRoom();
      entries.add([frame]);
      if (at % 3 === 0) entries.tend();
    }
    entries.close();
    return { rows: readFileSync(path), pieces: readFileSync(`${path}.pieces`) };
  });
}

const good = made();

/** Opens the two files, asks for everything, and lets merges go on for a while and asks again. */
function readEntries(rows: Buffer, pieces: Buffer): string[] {
  return inFolder((path) => {
    writeFileSync(path, rows);
    writeFileSync(`${path}.pieces`, pieces);
    let entries: ChunkEntries | undefined;
    try {
      entries = open(path, frames, COPIES);
      const before = findAll(entries);
      const more = { firstCopy: COPIES, pack: FRAMES + 1, ids: random.bytes(SIZES.unit * ID_BYTES) };
      entries.add([more]);
      entries.makeRoom();
      while (entries.tend());
      return [before, findAll(entries)];
    } catch (error) {
      throw asIndexError(error);
    } finally {
      entries?.close();
    }
  });
}

function findAll(entries: ChunkEntries): string {
  const found: [number, number][][] = Array.from({ length: asked.length / ID_BYTES }, () => []);
  entries.find(asked, (place, number, pack) => found[place]?.push([number, pack]));
  return describeAll((place, tell) => {
    for (const [number, pack] of found[place] ?? []) tell(number, pack);
  });
}

const shared = {
  refuses: (error: unknown): boolean => isHoldfastError(error, 'Integrity'),
  flaw: (value: unknown): string | undefined =>
    (value as string[]).every((each) => each === truth) ? undefined : 'it found other copies than there are',
  // What entries take that are made anew.
  mostBytes: 1 << 20,
};

/** The files in which chunks are found by id: damaged ones are made anew or refused, and never answer anything wrong. */
export const ENTRIES_DECODERS = [
  {
    name: 'rows of entries',
    samples: [good.rows],
    decode: (rows: Buffer) => readEntries(rows, good.pieces),
    ...shared,
  },
  {
    name: 'pieces of entries',
    samples: [good.pieces],
    decode: (pieces: Buffer) => readEntries(good.rows, pieces),
    ...shared,
  },
];
