/** A chunk's bytes in the window; they stay as they are until it is released. */
export interface HeldRun {
  readonly bytes: Buffer;
  release(): void;
}

interface Run {
  readonly start: number;
  released: boolean;
}

/**
 * One buffer into which files are read and in which their chunks lie, side by side, until they are sealed: no chunk
 * needs memory of its own, and none is copied together from pieces. Chunks are released roughly in the order in which they came,
 * and their room is used again in a circle.
 */
export class ReadWindow {
  private readonly held: Run[] = [];
  /** The chunk that is being read lies in [start, end). */
  private start = 0;
  private end = 0;
  /** The chunk being read lies before the oldest one held. */
  private wrapped = false;

  /** @param buffer the window; room for two of the longest chunks keeps reading and sealing apart */
  constructor(
    private readonly buffer: Buffer,
    private readonly longestChunk: number,
  ) {}

  /** Room for the next `bytes` of the chunk that is being read, right behind it; undefined while chunks that are held are in the way. */
  space(bytes: number): Buffer | undefined {
    if (this.buffer.length - this.start < this.longestChunk + bytes && !this.moveToFront(bytes)) return undefined;
    const limit = this.wrapped ? (this.held[0]?.start ?? this.buffer.length) : this.buffer.length;
    return this.end + bytes <= limit ? this.buffer.subarray(this.end, this.end + bytes) : undefined;
  }

  /** So many bytes of the space were filled. Returns the whole of the chunk so far. */
  grow(bytes: number): Buffer {
    this.end += bytes;
    return this.buffer.subarray(this.start, this.end);
  }

  /** The first `length` bytes of what was read are a chunk; what is left of it belongs to the next. */
  take(length: number): HeldRun {
    const run: Run = { start: this.start, released: false };
    const bytes = this.buffer.subarray(this.start, this.start + length);
    this.start += length;
    this.held.push(run);
    return { bytes, release: () => this.release(run) };
  }

  /** Forgets the chunk that is being read. */
  drop(): void {
    this.end = this.start;
  }

  private release(run: Run): void {
    run.released = true;
    while (this.held[0]?.released) this.held.shift();
    const oldest = this.held[0];
    if (oldest === undefined || oldest.start < this.start) this.wrapped = false;
  }

  private moveToFront(bytes: number): boolean {
    const length = this.end - this.start;
    const oldest = this.held[0]?.start;
    if (this.wrapped || (oldest !== undefined && length + bytes > oldest)) return false;
    this.buffer.copyWithin(0, this.start, this.end);
    this.start = 0;
    this.end = length;
    this.wrapped = oldest !== undefined;
    return true;
  }
}
