import fs from 'node:fs';
import { promisify } from 'node:util';

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

/** Below this, handing a write to the thread pool costs more than it saves. */
const ASYNC_BYTES = 64 * 1024;
const writeAsync = promisify(fs.write);

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
  for await (const { offset, data } of marked(source)) {
    if (offset < 0 || offset + data.length > size) throw sourceError('an extent lies outside the file');
    if (data.length < ASYNC_BYTES) writeSync(fd, data, offset);
    else await writeBlock(fd, data, offset);
  }
}

async function writeBlock(fd: number, data: Buffer, offset: number): Promise<void> {
  for (let at = 0; at < data.length; ) {
    const { bytesWritten } = await writeAsync(fd, data, at, data.length - at, offset + at);
    at += bytesWritten;
  }
}

function writeSync(fd: number, data: Buffer, offset: number): void {
  for (let at = 0; at < data.length; ) at += fs.writeSync(fd, data, at, data.length - at, offset + at);
}

/** Marks what the source throws, and nothing else. */
async function* marked(source: AsyncIterable<DataBlock>): AsyncGenerator<DataBlock, void, void> {
  try {
    yield* source;
  } catch (error) {
    throw new ContentSourceError(error);
  }
}

function sourceError(message: string): ContentSourceError {
  return new ContentSourceError(new RangeError(message));
}
