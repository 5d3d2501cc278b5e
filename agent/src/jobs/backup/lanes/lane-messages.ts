import type { WireError } from '@holdfast/core/errors';
import type { FileRef, FreshMetadata } from '../../../workloads/files/file-content.js';
import type { BatchResult, CutChunks } from './file-result.js';

/** What the job's thread and a lane's thread say to each other. Copies of structures, but for pack buffers, which change hands. */

export type ToLane =
  | { readonly kind: 'read'; readonly call: number; readonly refs: PackedRefs }
  | { readonly kind: 'finish'; readonly call: number }
  | { readonly kind: 'present'; readonly question: number; readonly bits: Uint8Array }
  | { readonly kind: 'buffer'; readonly memory: ArrayBuffer }
  | { readonly kind: 'close' };

export type FromLane =
  | { readonly kind: 'part'; readonly call: number; readonly chunks: CutChunks }
  | { readonly kind: 'answer'; readonly call: number; readonly result: BatchResult | undefined }
  | { readonly kind: 'failed'; readonly call: number; readonly error: WireError; readonly stack: string | undefined }
  | { readonly kind: 'question'; readonly question: number; readonly claims: Uint8Array }
  | { readonly kind: 'want-buffer' }
  | { readonly kind: 'counted'; readonly bytesRead: number; readonly bytesChanged: number }
  | {
      readonly kind: 'pack';
      readonly packId: Uint8Array;
      /** The buffer itself, which changes hands. */
      readonly memory: ArrayBuffer;
      /** Offset and length of each frame in the buffer, in the order in which they are to be sent. */
      readonly frames: Float64Array;
      readonly footer: Uint8Array;
      readonly bytes: number;
      readonly spoiled: string | undefined;
    };

/** Many small objects cost more to copy than to read. */
export interface PackedRefs {
  readonly dirFds: Int32Array;
  /** Size, mode, owner and group of each; then the descriptor of those that are open already, or -1, and which of their bytes are meant. */
  readonly numbers: Float64Array;
  /** mtime, ctime and inode of each. */
  readonly stamps: BigInt64Array;
  /** One character per byte. */
  readonly names: readonly string[];
}

const PER_STAMP = 3;
const NUMBERS = 7;
const WHOLE = { fd: -1, from: 0, to: 0 };

export function packRefs(refs: readonly FileRef[]): PackedRefs {
  const stamps = new BigInt64Array(refs.length * PER_STAMP);
  for (const [index, { stamp }] of refs.entries()) {
    stamps[index * PER_STAMP] = stamp.mtimeNs;
    stamps[index * PER_STAMP + 1] = stamp.ctimeNs;
    stamps[index * PER_STAMP + 2] = stamp.ino;
  }
  return {
    dirFds: Int32Array.from(refs, ({ dirFd }) => dirFd),
    numbers: Float64Array.from(
      refs.flatMap(({ stamp: { size, mode, uid, gid }, section: { fd, from, to } = WHOLE }) => [
        size,
        mode,
        uid,
        gid,
        fd,
        from,
        to,
      ]),
    ),
    stamps,
    names: refs.map(({ name }) => name.toString('latin1')),
  };
}

export function unpackRefs({ dirFds, numbers, stamps, names }: PackedRefs): FileRef[] {
  return names.map((name, index) => {
    const own = numbers.subarray(index * NUMBERS, (index + 1) * NUMBERS);
    const [size = 0, mode = 0, uid = 0, gid = 0, fd = WHOLE.fd, from = 0, to = 0] = own;
    return {
      dirFd: dirFds[index] as number,
      name: Buffer.from(name, 'latin1'),
      stamp: {
        size,
        mode,
        uid,
        gid,
        mtimeNs: stamps[index * PER_STAMP] as bigint,
        ctimeNs: stamps[index * PER_STAMP + 1] as bigint,
        ino: BigInt.asUintN(64, stamps[index * PER_STAMP + 2] as bigint),
        // Only compared, never trusted, where files are read.
        settled: false,
      },
      ...(fd !== WHOLE.fd && { section: { fd, from, to } }),
    };
  });
}

/** Buffers arrive as plain arrays. */
export function ownResult({ files, chunks }: BatchResult): BatchResult {
  return {
    chunks,
    files: files.map((file) =>
      file.outcome === 'read' && file.fresh ? { ...file, fresh: ownMetadata(file.fresh) } : file,
    ),
  };
}

function ownMetadata(fresh: FreshMetadata): FreshMetadata {
  return {
    ...fresh,
    xattrs: fresh.xattrs.map(({ name, value }) => ({ name: Buffer.from(name), value: Buffer.from(value) })),
  };
}
