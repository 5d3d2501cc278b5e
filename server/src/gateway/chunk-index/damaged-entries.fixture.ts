import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '@holdfast/core/ids';
import { ChunkEntries, type FrameIds } from './chunk-entries.js';
import { ID_BYTES } from './entry.js';
import { asIndexError } from './index-errors.js';

/** So small that some hundred entries stand in several blocks, and the last of them were not waited for. */
const SIZES = { segmentSlots: 16, block: 60, betweenSyncs: 100 };
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
  const draw = (bytes: number): Buffer => random.bytes(bytes);
  return ChunkEntries.open({ path, indexId, copies, framesFrom, frameOf, draw, sizes: SIZES });
}

function inFolder<T>(work: (path: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-entries-'));
  try {
    return work(join(folder, 'entries'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The file of a process that has died. */
function made(): Buffer {
  return inFolder((path) => {
    const entries = open(path, [], 0);
    for (const frame of frames) {
      entries.prepare([frame]);
      entries.add();
    }
    const left = readFileSync(path);
    entries.close();
    return left;
  });
}

/** Opens the file, asks for everything, and adds more and asks again. */
function readEntries(file: Buffer): string[] {
  return inFolder((path) => {
    writeFileSync(path, file);
    let entries: ChunkEntries | undefined;
    try {
      entries = open(path, frames, COPIES);
      const before = findAll(entries);
      const more = { firstCopy: COPIES, pack: FRAMES + 1, ids: random.bytes(SIZES.block * ID_BYTES) };
      entries.prepare([more]);
      entries.add();
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

/** The file in which chunks are found by id: whatever a disk makes of it is made anew, and never answers anything wrong. */
export const ENTRIES_DECODER = {
  name: 'entries',
  samples: [made()],
  decode: readEntries,
  refuses: () => false,
  flaw: (value: unknown) =>
    (value as string[]).every((each) => each === truth) ? undefined : 'it found other copies than there are',
  // What entries take that are made anew.
  mostBytes: 1 << 20,
};
