import fs from 'node:fs';
import { LargeWrites } from '../../platform/large-writes.js';

export interface DataBlock {
  /** Bytes from the file's start. */
  readonly offset: number;
  readonly data: Buffer;
}

/** A file's verified bytes: all at once, or its runs of data in any order; undefined for a file that is empty or one hole. */
export type ContentSource = Buffer | AsyncIterable<DataBlock> | undefined;

/** The content could not be had, as opposed to not written; `cause` is what the source threw. */
export class ContentSourceError extends Error {
  override readonly name = 'ContentSourceError';

  constructor(override readonly cause: unknown) {
    super('the content could not be read');
  }
}

/** Smaller files are not worth the detour. */
const LARGE_FILE_BYTES = 512 * 1024;

/** Fills an empty open file; what the source leaves out stays a hole. Synchronous but for a source that is not. */
export function writeContent(fd: number, size: number, source: ContentSource): Promise<void> | undefined {
  if (Buffer.isBuffer(source)) {
    if (source.length !== size) throw sourceError(`the content has ${source.length} bytes instead of ${size}`);
    writeSync(fd, source, 0);
    return undefined;
  }
  if (size > 0) fs.ftruncateSync(fd, size);
  return source && writeBlocks(fd, size, source);
}

async function writeBlocks(fd: number, size: number, source: AsyncIterable<DataBlock>): Promise<void> {
  const large = size >= LARGE_FILE_BYTES ? new LargeWrites(fd) : undefined;
  try {
    for await (const { offset, data } of marked(source)) {
      if (offset < 0 || offset + data.length > size) throw sourceError('an extent lies outside the file');
      if (large) await large.write(data, offset);
      else writeSync(fd, data, offset);
    }
    await large?.finish();
  } finally {
    await large?.close();
  }
}

function writeSync(fd: number, data: Buffer, offset: number): void {
  for (let at = 0; at < data.length; ) at += fs.writeSync(fd, data, at, data.length - at, offset + at);
}

/** Marks what the source throws, and nothing else. */
export async function* marked(source: AsyncIterable<DataBlock>): AsyncGenerator<DataBlock, void, void> {
  try {
    yield* source;
  } catch (error) {
    throw new ContentSourceError(error);
  }
}

function sourceError(message: string): ContentSourceError {
  return new ContentSourceError(new RangeError(message));
}
