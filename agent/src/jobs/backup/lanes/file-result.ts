import { errorCode, reasonOf } from '../../../platform/posix-error.js';
import type { FreshMetadata } from '../../../workloads/files/file-content.js';

const CLAIM_BYTES = 32;

/** Chunks in the order in which they were cut: claim and id of each, 32 bytes, and which bytes of their file they are. */
export interface CutChunks {
  readonly claims: Uint8Array;
  readonly ids: Uint8Array;
  readonly offsets: Float64Array;
  readonly lengths: Float64Array;
}

/** What became of one file. Of a file that was read: how many of the batch's chunks are its, and how long it was. */
export type FileResult =
  | {
      readonly outcome: 'read';
      readonly chunks: number;
      readonly size: number;
      /** It changed while it was read. */
      readonly changed: boolean;
      readonly fresh: FreshMetadata | undefined;
    }
  | { readonly outcome: 'failed'; readonly code: string; readonly reason: string; readonly message: string };

/** Throws what no system call failed with. */
export function asFailed(error: unknown): FileResult & { outcome: 'failed' } {
  const code = errorCode(error);
  if (code === undefined || !(error instanceof Error) || !('syscall' in error)) throw error;
  return { outcome: 'failed', code, reason: reasonOf(error), message: error.message };
}

export interface BatchResult {
  readonly files: readonly FileResult[];
  readonly chunks: CutChunks;
}

export interface NamedExtent {
  readonly claim: Buffer;
  readonly id: Buffer;
  readonly offset: number;
  readonly length: number;
}

/** Collects chunks into few large arrays, which cross to another thread in one piece. */
export class ChunkList {
  private readonly named: { claim: Buffer; id: Buffer }[] = [];
  private readonly offsets: number[] = [];
  private readonly lengths: number[] = [];

  get count(): number {
    return this.named.length;
  }

  add({ claim, id, offset, length }: NamedExtent): void {
    this.named.push({ claim, id });
    this.offsets.push(offset);
    this.lengths.push(length);
  }

  /** Forgets what was added after the first `count`. */
  dropFrom(count: number): void {
    for (const list of [this.named, this.offsets, this.lengths]) list.splice(count);
  }

  /** Everything added since the last call. */
  take(): CutChunks {
    const named = this.named.splice(0);
    return {
      claims: joined(named.map(({ claim }) => claim)),
      ids: joined(named.map(({ id }) => id)),
      offsets: Float64Array.from(this.offsets.splice(0)),
      lengths: Float64Array.from(this.lengths.splice(0)),
    };
  }
}

/** Not from the pool: it crosses to another thread as it is. */
function joined(parts: readonly Buffer[]): Uint8Array {
  const all = new Uint8Array(parts.length * CLAIM_BYTES);
  parts.forEach((part, index) => {
    all.set(part, index * CLAIM_BYTES);
  });
  return all;
}

export function extentAt(chunks: CutChunks, index: number): NamedExtent {
  const from = index * CLAIM_BYTES;
  return {
    claim: Buffer.from(chunks.claims.buffer, chunks.claims.byteOffset + from, CLAIM_BYTES),
    id: Buffer.from(chunks.ids.buffer, chunks.ids.byteOffset + from, CLAIM_BYTES),
    offset: chunks.offsets[index] as number,
    length: chunks.lengths[index] as number,
  };
}
