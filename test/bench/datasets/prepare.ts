import fs from 'node:fs';
import path from 'node:path';
import type { Group } from '../cases.js';
import { buildTree } from './built-tree.js';
import { folderTotals } from './folder-totals.js';
import { writeRandomFile } from './random-file.js';
import { type TreeLimit, takeTree } from './taken-tree.js';

/** Something to back up. What a tree is made of depends on the machine; `origin` says what was taken. */
export interface Dataset {
  readonly name: Group['dataset'];
  readonly folder: string;
  readonly origin: string;
  readonly files: number;
  readonly bytes: number;
}

interface Sizes {
  readonly bigRandom: number;
  readonly image: number;
  readonly sdkTree: TreeLimit;
  readonly smallFiles: TreeLimit;
}

const MIB = 1 << 20;
/** Share of the wanted bytes that a tree may be short of. */
const TOLERATED_LACK = 0.1;
const FULL: Sizes = {
  bigRandom: 1024 * MIB,
  image: 4096 * MIB,
  sdkTree: { bytes: 2000 * MIB, files: 48_000 },
  smallFiles: { bytes: 580 * MIB, files: 46_000 },
};
const QUICK: Sizes = {
  bigRandom: 16 * MIB,
  image: 32 * MIB,
  sdkTree: { bytes: 16 * MIB, files: 300 },
  smallFiles: { bytes: 4 * MIB, files: 300 },
};

export function sizesFor(quick: boolean): Sizes {
  return quick ? QUICK : FULL;
}

/** How many bytes the dataset comes to at most. */
export function expectedBytes(name: Group['dataset'], sizes: Sizes, given: string | undefined): number {
  switch (name) {
    case 'big-random':
      return sizes.bigRandom;
    case 'image':
      return sizes.image;
    case 'sdk-tree':
      return sizes.sdkTree.bytes;
    case 'small-files':
      return sizes.smallFiles.bytes;
    case 'folder':
      return given === undefined ? 0 : folderTotals(given).bytes;
  }
}

export async function prepareDataset(
  name: Group['dataset'],
  { folder, sizes, given, signal }: { folder: string; sizes: Sizes; given: string | undefined; signal: AbortSignal },
): Promise<Dataset> {
  const random = async (bytes: number): Promise<Dataset> => {
    fs.mkdirSync(folder);
    await writeRandomFile(path.join(folder, `${name}.bin`), bytes, name, signal);
    return { name, folder, origin: 'seeded random bytes', files: 1, bytes };
  };
  switch (name) {
    case 'big-random':
      return await random(sizes.bigRandom);
    case 'image':
      return await random(sizes.image);
    case 'sdk-tree':
      return { name, folder, ...(await sdkTree(folder, sizes.sdkTree, signal)) };
    case 'small-files': {
      const taken = await takeTree('/usr/share', folder, sizes.smallFiles, signal);
      return { name, folder, origin: 'copied from /usr/share', ...taken };
    }
    case 'folder': {
      if (given === undefined) throw new Error('no folder was given');
      return { name, folder: given, origin: given, ...folderTotals(given) };
    }
  }
}

/** A machine with little in /usr/lib is helped out, so that the case has the same size everywhere. */
async function sdkTree(
  folder: string,
  limit: TreeLimit,
  signal: AbortSignal,
): Promise<Omit<Dataset, 'name' | 'folder'>> {
  const taken = await takeTree('/usr/lib', folder, limit, signal);
  const origin = 'copied from /usr/lib';
  const missing = { bytes: limit.bytes - taken.bytes, files: limit.files - taken.files };
  if (missing.bytes < limit.bytes * TOLERATED_LACK || missing.files <= 0) return { origin, ...taken };
  const built = await buildTree(path.join(folder, 'built-for-the-benchmark'), missing, 'sdk-tree', signal);
  return {
    origin: `${taken.files} files ${origin}, ${built.files} files of ${built.bytes} bytes built`,
    files: taken.files + built.files,
    bytes: taken.bytes + built.bytes,
  };
}
