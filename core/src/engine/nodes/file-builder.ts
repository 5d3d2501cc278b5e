import { unstorable } from '../format/format-errors.js';
import { ID_BYTES, MAX_CHUNK_BYTES } from '../format/limits.js';
import type { NodeWriter } from './node-writer.js';
import { SplitLevels } from './split-levels.js';
import type { ContentRef } from './tree-entry.js';

/** A run of a file's bytes: the whole of one data chunk. What no extent covers is a hole. */
export interface FileExtent {
  readonly id: Buffer;
  readonly offset: number;
  readonly length: number;
}

const ITEM_WEIGHT = 32;

/** Turns a file's extents, in order, into what its entry refers to. */
export class FileBuilder {
  private readonly levels: SplitLevels<FileExtent, FileExtent>;
  private first: FileExtent | undefined;
  private count = 0;
  private end = 0;

  constructor(private readonly writer: NodeWriter) {
    this.levels = new SplitLevels<FileExtent, FileExtent>({
      splitsBefore: (_, item) => item.id[0] === 0,
      weight: () => ITEM_WEIGHT,
      makeLeaf: (extents) => this.makeLeaf(extents),
      makeIndex: (parts) => this.makeIndex(parts),
    });
  }

  /** Throws Validation for an extent out of order or out of bounds. */
  add(extent: FileExtent): void {
    const { id, offset, length } = extent;
    const sound =
      id.length === ID_BYTES &&
      Number.isSafeInteger(offset + length) &&
      offset >= this.end &&
      length > 0 &&
      length <= MAX_CHUNK_BYTES;
    if (!sound)
      throw unstorable('UNSTORABLE_EXTENT', 'Extents ascend, do not overlap, and have the length of a chunk.');
    this.first ??= extent;
    this.count++;
    this.end = offset + length;
    this.levels.add(extent);
  }

  /**
   * What the entry of a file of `size` bytes refers to: nothing for holes alone, the chunk itself where
   * one holds every byte, else a node.
   */
  finish(size: number): ContentRef | undefined {
    if (this.end > size) throw unstorable('UNSTORABLE_EXTENT', 'An extent ends behind the end of its file.');
    if (!this.first) return undefined;
    if (this.count === 1 && this.first.offset === 0 && this.first.length === size)
      return { kind: 'chunk', id: this.first.id };
    return { kind: 'node', id: this.levels.finish().id };
  }

  private makeLeaf(extents: readonly FileExtent[]): FileExtent {
    const id = this.writer.write(idsOf(extents), (edgeOf) => ({
      $case: 'file',
      value: {
        extents: extents.map((each) => ({ edge: edgeOf(each.id), offset: BigInt(each.offset), length: each.length })),
      },
    }));
    return span(id, extents);
  }

  private makeIndex(parts: readonly FileExtent[]): FileExtent {
    const id = this.writer.write(idsOf(parts), (edgeOf) => ({
      $case: 'fileIndex',
      value: {
        parts: parts.map((each) => ({
          edge: edgeOf(each.id),
          offset: BigInt(each.offset),
          length: BigInt(each.length),
        })),
      },
    }));
    return span(id, parts);
  }
}

function idsOf(items: readonly FileExtent[]): Buffer[] {
  return items.map((item) => item.id);
}

function span(id: Buffer, items: readonly FileExtent[]): FileExtent {
  const offset = items[0]?.offset ?? 0;
  const last = items.at(-1);
  return { id, offset, length: last ? last.offset + last.length - offset : 0 };
}
