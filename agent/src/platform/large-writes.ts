import fs from 'node:fs';
import { promisify } from 'node:util';
import { native } from './posix.js';

/** What direct writes are aligned to, in the file and in memory: the largest block of disks in use. */
const ALIGNMENT = 4096;
const BLOCK_BYTES = 2 * 1024 * 1024;
const BLOCKS = 3;

const { O_WRONLY, O_DIRECT } = fs.constants;
const writeAsync = promisify(fs.write);

/** Kept for the next files: making it takes longer than a few writes. */
const spare: Buffer[][] = [];
const MOST_SPARE = 4;

/**
 * Writes a large file past the page cache, in blocks, a few at a time: it costs a fraction of the processor time, leaves what the
 * host has in memory alone, and is on the disk when it is done. Where the file system does not do that, and for the ends of runs that
 * fill no block of the disk, it is written as usual. Takes the bytes over before `write` resolves. The caller keeps the descriptor.
 */
export class LargeWrites {
  private readonly direct: number;
  private readonly free: Buffer[];
  private readonly underWay = new Set<Promise<void>>();
  private failure: { readonly error: unknown } | undefined;
  private wake: () => void = () => undefined;
  /** The block that is being filled, and what of it is filled; it stands at `start` in the file. */
  private block: Buffer | undefined;
  private start = 0;
  private from = 0;
  private to = 0;

  constructor(private readonly fd: number) {
    this.free = spare.pop() ?? alignedBlocks();
    this.direct = openDirect(fd);
  }

  async write(data: Buffer, offset: number): Promise<void> {
    if (this.block && offset !== this.start + this.to) this.submit();
    for (let at = 0; at < data.length; ) {
      const block = this.block ?? (await this.begin(offset + at));
      const length = data.copy(block, this.to, at);
      at += length;
      this.to += length;
      if (this.to === block.length) this.submit();
    }
  }

  /** Resolves once everything is written; rejects with the first failure. */
  async finish(): Promise<void> {
    this.submit();
    await Promise.all(this.underWay);
    this.check();
  }

  /** Waits for what is under way: the descriptor may be closed then. */
  async close(): Promise<void> {
    await Promise.all(this.underWay);
    if (this.direct !== this.fd) fs.closeSync(this.direct);
    if (this.block) this.free.push(this.block);
    if (spare.length < MOST_SPARE) spare.push(this.free);
  }

  private async begin(offset: number): Promise<Buffer> {
    while (this.free.length === 0) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    this.check();
    const block = this.free.pop() as Buffer;
    this.from = offset % ALIGNMENT;
    this.to = this.from;
    this.start = offset - this.from;
    this.block = block;
    return block;
  }

  private submit(): void {
    const { block, start, from, to } = this;
    if (!block) return;
    this.block = undefined;
    const writing = this.writeBlock(block, start, from, to)
      .catch((error: unknown) => {
        this.failure ??= { error };
      })
      .finally(() => {
        this.underWay.delete(writing);
        this.free.push(block);
        this.wake();
      });
    this.underWay.add(writing);
  }

  private async writeBlock(block: Buffer, start: number, from: number, to: number): Promise<void> {
    const first = Math.min(to, Math.ceil(from / ALIGNMENT) * ALIGNMENT);
    const last = Math.max(first, Math.floor(to / ALIGNMENT) * ALIGNMENT);
    await this.writeUsual(block.subarray(from, first), start + from);
    const written = await this.writeDirect(block.subarray(first, last), start + first);
    await this.writeUsual(block.subarray(first + written, to), start + first + written);
  }

  /** Returns how many of these bytes were written; the rest are left to the usual way, which says why if it cannot either. */
  private async writeDirect(bytes: Buffer, offset: number): Promise<number> {
    if (bytes.length === 0 || this.direct === this.fd) return 0;
    try {
      const { bytesWritten } = await writeAsync(this.direct, bytes, 0, bytes.length, offset);
      return bytesWritten;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EINVAL') return 0;
      throw error;
    }
  }

  private async writeUsual(bytes: Buffer, offset: number): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await writeAsync(this.fd, bytes, at, bytes.length - at, offset + at);
      at += bytesWritten;
    }
  }

  private check(): void {
    if (this.failure) throw this.failure.error;
  }
}

/** The same file; the descriptor itself where it cannot be opened so. */
function openDirect(fd: number): number {
  try {
    return fs.openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_DIRECT);
  } catch {
    return fd;
  }
}

function alignedBlocks(): Buffer[] {
  const memory = Buffer.allocUnsafeSlow(BLOCKS * BLOCK_BYTES + ALIGNMENT);
  const begin = ALIGNMENT - (native().memmove(memory, memory, 0) % ALIGNMENT);
  return Array.from({ length: BLOCKS }, (_, index) => {
    const from = begin + index * BLOCK_BYTES;
    return memory.subarray(from, from + BLOCK_BYTES);
  });
}
