import { createCipheriv, createHash } from 'node:crypto';
import fs from 'node:fs';

const BLOCK = 1 << 20;

/** Bytes that nothing compresses and that are the same for the same seed: the key stream of AES-256-CTR. */
export class RandomBytes {
  readonly #cipher;
  readonly #zeros = Buffer.alloc(BLOCK);

  constructor(seed: string) {
    this.#cipher = createCipheriv('aes-256-ctr', createHash('sha256').update(seed).digest(), Buffer.alloc(16));
  }

  next(length: number): Buffer {
    if (length > BLOCK) throw new RangeError(`at most ${BLOCK} bytes at a time`);
    return this.#cipher.update(this.#zeros.subarray(0, length));
  }
}

export async function writeRandomFile(file: string, bytes: number, seed: string, signal: AbortSignal): Promise<void> {
  const random = new RandomBytes(seed);
  const handle = await fs.promises.open(file, 'wx');
  try {
    for (let written = 0; written < bytes; written += BLOCK) {
      signal.throwIfAborted();
      await handle.write(random.next(Math.min(BLOCK, bytes - written)));
    }
  } finally {
    await handle.close();
  }
}

const RUN = 64 << 10;
const SECTOR = 512;

/** Rewrites one per cent of a file, in runs of 64 KiB that begin at random sectors. Answers the bytes written. */
export async function rewriteOnePercent(file: string, seed: string): Promise<number> {
  const { size } = await fs.promises.stat(file);
  const runs = Math.max(1, Math.round(size / 100 / RUN));
  const random = new RandomBytes(seed);
  const handle = await fs.promises.open(file, 'r+');
  try {
    for (let index = 0; index < runs; index += 1) {
      const sector = Number(random.next(8).readBigUInt64LE() % BigInt(Math.floor((size - RUN) / SECTOR) + 1));
      await handle.write(random.next(RUN), 0, RUN, sector * SECTOR);
    }
  } finally {
    await handle.close();
  }
  return runs * RUN;
}
