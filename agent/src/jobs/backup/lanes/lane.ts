/**
 * A lane takes files from the disk to sealed packs: read, cut, name, ask, compress, seal. One file after another, in one thread,
 * without a copy of its own between the steps. What it holds is bounded: a window of plaintext that is not sealed yet, and the
 * packs that its host lends it.
 *
 * A chunk is sealed only once the host has answered that the vault does not have it. Reading goes on meanwhile as far as
 * the window allows.
 */
import { setImmediate } from 'node:timers/promises';
import type { ChunkerPlan, ChunkHasher } from '@holdfast/core/engine';
import { Chunker } from '@holdfast/core/engine';
import type { FileContent, FileRef } from '../../../workloads/files/file-content.js';
import type { PackSealer } from '../pack-sealer.js';
import { asFailed, type BatchResult, ChunkList, type CutChunks, type FileResult } from './file-result.js';
import { type HeldRun, ReadWindow } from './read-window.js';

/** What a lane needs from the job around it. */
export interface LaneHost {
  /** One bit per claim (32 bytes each), least significant first: the vault has it, or somebody else in this job sends it. */
  present(claims: Buffer): Promise<Uint8Array>;
  counted(counts: { readonly bytesRead: number; readonly bytesChanged: number }): void;
}

export interface LanePorts {
  readonly host: LaneHost;
  /** Throws what the system says. */
  readonly open: (ref: FileRef) => FileContent;
  readonly hasher: ChunkHasher;
  readonly chunker: ChunkerPlan;
  readonly sealer: Pick<PackSealer, 'add' | 'finish'>;
}

/** A regular file below this size and without holes is one chunk. */
export const SMALL_FILE_BYTES = 512 * 1024;
const BLOCK_BYTES = 1024 * 1024;
const BLOCKS_IN_WINDOW = 5;
const CLAIMS_PER_QUESTION = 1_000;
const BYTES_PER_QUESTION = 4 * 1024 * 1024;
const CHUNKS_PER_PART = 8_192;

interface Asked {
  readonly id: Buffer;
  readonly claim: Buffer;
  readonly run: HeldRun;
}

export class Lane {
  private readonly window: ReadWindow;
  private readonly chunker: Chunker;
  private waiting: Asked[] = [];
  private waitingBytes = 0;
  private sealing: Promise<void> = Promise.resolve();
  private failure: { readonly error: unknown } | undefined;
  private wake: () => void = () => undefined;
  private readonly cut = new ChunkList();
  private bytesRead = 0;
  private bytesChanged = 0;

  constructor(private readonly ports: LanePorts) {
    const { maxBytes } = ports.chunker;
    this.chunker = new Chunker(ports.chunker, maxBytes + BLOCKS_IN_WINDOW * BLOCK_BYTES);
    this.window = new ReadWindow(this.chunker.room, maxBytes);
  }

  /**
   * Reads the files one after another; one call at a time. `onPart` is given what was cut of a long file before its end.
   * Rejects with what made the lane fail, never for what is wrong with one file.
   */
  async read(refs: readonly FileRef[], onPart: (chunks: CutChunks) => void): Promise<BatchResult> {
    const files: FileResult[] = [];
    for (const ref of refs) {
      try {
        files.push(await this.readFile(ref, refs.length === 1 ? onPart : undefined));
      } catch (error) {
        this.check();
        files.push(asFailed(error));
      }
    }
    this.tellCounts();
    return { files, chunks: this.cut.take() };
  }

  /** Everything read so far is asked about, sealed, and given to the host. */
  async finish(): Promise<void> {
    this.ask();
    await this.sealing;
    this.check();
    await this.ports.sealer.finish();
    this.tellCounts();
  }

  private async readFile(ref: FileRef, onPart: ((chunks: CutChunks) => void) | undefined): Promise<FileResult> {
    const file = this.ports.open(ref);
    const before = this.cut.count;
    try {
      const { size, parted } =
        ref.section === undefined && file.size < SMALL_FILE_BYTES && !file.hasHoles
          ? await this.readSmall(file)
          : await this.readLarge(file, onPart);
      return {
        outcome: 'read',
        chunks: parted ? this.cut.count : this.cut.count - before,
        size,
        changed: file.outcome().changed,
        fresh: file.fresh,
      };
    } catch (error) {
      this.window.drop();
      this.cut.dropFrom(before);
      throw error;
    } finally {
      file.close();
    }
  }

  private async readSmall(file: FileContent): Promise<{ size: number; parted: boolean }> {
    if (file.size === 0) return { size: 0, parted: false };
    const got = file.read(this.window.space(file.size) ?? (await this.space(file.size)), 0);
    this.bytesRead += got;
    if (got > 0) {
      this.window.grow(got);
      this.name(got, 0);
    }
    return { size: got, parted: false };
  }

  private async readLarge(
    file: FileContent,
    onPart: ((chunks: CutChunks) => void) | undefined,
  ): Promise<{ size: number; parted: boolean }> {
    let parted = false;
    let end = 0;
    for (const extent of file.extents) {
      const limit = extent.offset + extent.length;
      let chunkStart = extent.offset;
      end = extent.offset;
      this.chunker.reset();
      while (end < limit) {
        const space =
          this.window.space(Math.min(BLOCK_BYTES, limit - end)) ??
          (await this.space(Math.min(BLOCK_BYTES, limit - end)));
        const got = file.read(space, end);
        this.bytesRead += got;
        end += got;
        let pending = this.window.grow(got);
        let from = pending.length - got;
        for (let cut = this.chunker.cut(pending, from, pending.length); cut >= 0; ) {
          this.name(cut, chunkStart);
          chunkStart += cut;
          pending = pending.subarray(cut);
          from = 0;
          cut = this.chunker.cut(pending, from, pending.length);
        }
        if (onPart && this.cut.count >= CHUNKS_PER_PART) {
          onPart(this.cut.take());
          parted = true;
        }
        this.tellCounts();
        await setImmediate();
        this.check();
        if (got < space.length) break;
      }
      const rest = this.window.grow(0).length;
      if (rest > 0) this.name(rest, chunkStart);
      // Cut off while it was read: it is as long as what was got of it.
      if (end < limit) return { size: end, parted };
    }
    return { size: file.size, parted };
  }

  /** The first `length` bytes of the window's current chunk are one. */
  private name(length: number, offset: number): void {
    const run = this.window.take(length);
    const { claim, id } = this.ports.hasher.nameData(run.bytes);
    this.cut.add({ claim, id, offset, length });
    this.waiting.push({ claim, id, run });
    this.waitingBytes += length;
    if (this.waiting.length >= CLAIMS_PER_QUESTION || this.waitingBytes >= BYTES_PER_QUESTION) this.ask();
  }

  /** Waits until chunks that are in the way are sealed. */
  private async space(bytes: number): Promise<Buffer> {
    for (;;) {
      const space = this.window.space(bytes);
      if (space !== undefined) return space;
      this.ask();
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      this.check();
    }
  }

  private ask(): void {
    if (this.waiting.length === 0) return;
    const batch = this.waiting;
    this.waiting = [];
    this.waitingBytes = 0;
    const answer = this.ports.host.present(Buffer.concat(batch.map(({ claim }) => claim)));
    // Its failure is met where it is awaited, which may be later.
    answer.catch(() => undefined);
    this.sealing = this.sealing
      .then(() => this.seal(batch, answer))
      .catch((error: unknown) => {
        this.failure ??= { error };
        this.wake();
      });
  }

  private async seal(batch: readonly Asked[], answer: Promise<Uint8Array>): Promise<void> {
    const bits = await answer;
    this.check();
    for (const [index, { id, run }] of batch.entries()) {
      if ((((bits[index >> 3] as number) >> (index & 7)) & 1) === 0) {
        this.bytesChanged += run.bytes.length;
        await this.ports.sealer.add({ id, plaintext: run.bytes });
      }
      run.release();
    }
    this.wake();
  }

  private tellCounts(): void {
    const { bytesRead, bytesChanged } = this;
    if (bytesRead === 0 && bytesChanged === 0) return;
    this.bytesRead = 0;
    this.bytesChanged = 0;
    this.ports.host.counted({ bytesRead, bytesChanged });
  }

  private check(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }
}
