import type { BuiltNode, ChunkerPlan, ChunkHasher, ChunkName } from '@holdfast/core/engine';
import { Chunker, FileBuilder, NodeWriter } from '@holdfast/core/engine';
import type { FileContent } from '../../workloads/files/file-content.js';
import type { ScannedEntry } from '../../workloads/files/file-entry.js';
import type { Counters } from '../job.js';
import type { ChunkIntake } from './chunk-intake.js';
import type { StoredContent } from './stored-content.js';

/** A regular file below this size and without holes is one chunk. */
const SMALL_FILE_BYTES = 512 * 1024;
const BLOCK_BYTES = 1024 * 1024;

export interface ReadFile {
  /** With the metadata, and the size, that belong to the content. */
  readonly entry: ScannedEntry;
  readonly content: StoredContent | undefined;
  readonly changed: boolean;
}

/** Reads files and cuts them into chunks. */
export class FileReader {
  readonly nodes: NodeWriter;
  private lastNode: BuiltNode | undefined;

  constructor(
    private readonly intake: ChunkIntake,
    private readonly plan: ChunkerPlan,
    private readonly counters: Counters,
    hasher: ChunkHasher,
    chunkerKey: Buffer,
  ) {
    this.nodes = new NodeWriter(hasher, chunkerKey, (node) => {
      this.lastNode = node;
      intake.node(node);
    });
  }

  /** Throws what the system says when it cannot be read to its end. */
  async read(file: FileContent): Promise<ReadFile> {
    const small = file.entry.size < SMALL_FILE_BYTES && !file.hasHoles;
    const { size, content } = small ? await this.readSmall(file) : await this.readLarge(file);
    return {
      entry: size === file.entry.size ? file.entry : { ...file.entry, size },
      content,
      changed: file.outcome().changed,
    };
  }

  private async readSmall(file: FileContent): Promise<{ size: number; content: StoredContent | undefined }> {
    const plaintext = file.readWhole();
    this.counters.bytesRead += plaintext.length;
    if (plaintext.length === 0) return { size: 0, content: undefined };
    return { size: plaintext.length, content: { kind: 'chunk', ...(await this.intake.data(plaintext)) } };
  }

  private async readLarge(file: FileContent): Promise<{ size: number; content: StoredContent | undefined }> {
    const builder = new FileBuilder(this.nodes);
    const chunker = new Chunker(this.plan);
    let pieces: Buffer[] = [];
    let start = 0;
    let end = 0;
    let lastChunk: ChunkName | undefined;
    const finishChunk = async (): Promise<void> => {
      if (pieces.length === 0) return;
      const plaintext = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
      pieces = [];
      lastChunk = await this.intake.data(plaintext);
      builder.add({ id: lastChunk.id, offset: start, length: plaintext.length });
      start += plaintext.length;
    };
    for await (const { offset, data } of file.blocks(BLOCK_BYTES)) {
      if (offset !== end) {
        await finishChunk();
        chunker.reset();
        start = offset;
      }
      end = offset + data.length;
      this.counters.bytesRead += data.length;
      let from = 0;
      for (let cut = chunker.cut(data, 0, data.length); cut >= 0; cut = chunker.cut(data, from, data.length)) {
        if (cut > from) pieces.push(data.subarray(from, cut));
        await finishChunk();
        from = cut;
      }
      if (from < data.length) pieces.push(data.subarray(from));
    }
    await finishChunk();
    const size = this.sizeOf(file, end);
    const ref = builder.finish(size);
    await this.intake.room();
    if (ref === undefined) return { size, content: undefined };
    const claim = ref.kind === 'chunk' ? lastChunk?.claim : this.lastNode?.claim;
    if (claim === undefined) throw new TypeError('content without a claim');
    return { size, content: { ...ref, claim } };
  }

  /** A file that ended before its last extent did was cut off while it was read: it is as long as what was got of it. */
  private sizeOf(file: FileContent, end: number): number {
    const last = file.extents.at(-1);
    const promised = last === undefined ? 0 : last.offset + last.length;
    return end < promised ? end : file.entry.size;
  }
}
