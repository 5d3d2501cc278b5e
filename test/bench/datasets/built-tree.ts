/** A tree that looks like a software kit: what is backed up where the machine has too little of one. */
import fs from 'node:fs';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { RandomBytes } from './random-file.js';
import type { TakenTree, TreeLimit } from './taken-tree.js';

const FILES_PER_FOLDER = 40;
/** With what follows it. */
const SHORTEST_WORD = 3;
const PIECE = 64 << 10;

/**
 * Writes about `limit.files` files of about `limit.bytes` together, the same for the same seed. Sizes spread like those of
 * real trees: most files are far smaller than the mean. Three of four read like source text, the fourth like a binary.
 */
export async function buildTree(
  folder: string,
  limit: TreeLimit,
  seed: string,
  signal: AbortSignal,
): Promise<TakenTree> {
  const random = new RandomBytes(seed);
  const words = makeWords(random);
  const built: TakenTree = { files: 0, bytes: 0 };
  const mean = limit.bytes / limit.files;
  while (built.files < limit.files && built.bytes < limit.bytes) {
    signal.throwIfAborted();
    const within = path.join(folder, `part-${Math.floor(built.files / FILES_PER_FOLDER)}`);
    if (built.files % FILES_PER_FOLDER === 0) fs.mkdirSync(within, { recursive: true });
    // Exponentially distributed, squared: the mean of that is 2.
    const draw = -Math.log((random.next(4).readUInt32LE() + 1) / 2 ** 32);
    const size = Math.min(Math.ceil((mean / 2) * draw * draw), limit.bytes - built.bytes);
    const binary = random.next(1).readUInt8() % 4 === 0;
    writeFile(path.join(within, `${built.files}.${binary ? 'bin' : 'txt'}`), size, binary, random, words);
    built.files += 1;
    built.bytes += size;
    if (built.files % 100 === 0) await turn();
  }
  return built;
}

function writeFile(file: string, size: number, binary: boolean, random: RandomBytes, words: readonly Buffer[]): void {
  const fd = fs.openSync(file, 'wx');
  try {
    for (let left = size; left > 0; left -= PIECE) {
      const length = Math.min(PIECE, left);
      fs.writeSync(fd, binary ? machineCode(length, random) : text(length, random, words));
    }
  } finally {
    fs.closeSync(fd);
  }
}

/** Half of its bytes can be foreseen, so that it compresses as programs do. */
function machineCode(length: number, random: RandomBytes): Buffer {
  const piece = Buffer.alloc(length);
  const drawn = random.next(Math.ceil(length / 2));
  for (let index = 0; index < drawn.length; index += 1) piece[index * 2] = drawn[index] ?? 0;
  return piece;
}

function text(length: number, random: RandomBytes, words: readonly Buffer[]): Buffer {
  const piece = Buffer.alloc(length, '\n');
  const drawn = random.next(Math.ceil(length / SHORTEST_WORD));
  let at = 0;
  for (let draw = 0; at < length; draw += 1) {
    const word = words[drawn[draw] ?? 0] ?? piece;
    for (let index = 0; index < word.length && at < length; index += 1) piece[at++] = word[index] ?? 0;
  }
  return piece;
}

/** As many as a byte can choose from, each with what follows it. */
function makeWords(random: RandomBytes): Buffer[] {
  return Array.from({ length: 256 }, (_, index) => {
    const letters = random.next(SHORTEST_WORD - 1 + (random.next(1).readUInt8() % 9));
    const word = Array.from(letters, (byte) => 'etaoinshrdlucmfwypvbgkjqxz'[byte % 26]).join('');
    return Buffer.from(`${word}${[' ', '_', '(', ';\n'][index % 4]}`);
  });
}
