/**
 * Content-defined cutting with a gear hash under a secret table (Xia et al., "FastCDC", USENIX ATC
 * 2016, with its normalised chunking): where a chunk ends depends on the 32 bytes before the end,
 * so an edit moves the boundaries near it and no others. The table comes from a key of the dedup
 * domain, so that lengths of chunks do not betray known files.
 *
 * h = (h << 1) + table[byte], modulo 2^32. A chunk ends after the first byte, at `min` bytes or
 * more, for which the top bits of h are zero: two more bits than log2(normal) up to `normal` bytes,
 * two less beyond. It ends at `max` bytes in any case.
 */
import type { ChunkerParameters } from '@holdfast/proto/vault';
import { unstorable } from '../format/format-errors.js';
import { KIB, MAX_CHUNK_BYTES, MIB } from '../format/limits.js';
import { expandKey } from '../sealing/hkdf.js';
import { GEAR_SEARCH } from './gear-search.js';

export const DEFAULT_CHUNKER: Readonly<ChunkerParameters> = {
  minBytes: 512 * KIB,
  normalBytes: MIB,
  maxBytes: 8 * MIB,
};

// Older bytes have left a 32-bit hash, so this many before the first possible end warm it up.
const WINDOW = 32;
const NORMALISATION_BITS = 2;
const SMALLEST_MIN_BYTES = 64;

/** What a domain's chunkers share: the table and the bounds. Make it once, and a Chunker per stream. */
export interface ChunkerPlan {
  readonly table: Int32Array;
  readonly minBytes: number;
  readonly normalBytes: number;
  readonly maxBytes: number;
  /** Masks up to and beyond the normal length. */
  readonly strictMask: number;
  readonly looseMask: number;
}

/** Throws Validation for bounds that the format does not allow. */
export function planChunker(chunkerKey: Uint8Array, parameters: ChunkerParameters = DEFAULT_CHUNKER): ChunkerPlan {
  const { minBytes, normalBytes, maxBytes } = parameters;
  const bits = Math.log2(normalBytes);
  if (
    !Number.isInteger(bits) ||
    minBytes < SMALLEST_MIN_BYTES ||
    minBytes > normalBytes ||
    normalBytes > maxBytes ||
    maxBytes > MAX_CHUNK_BYTES
  ) {
    throw unstorable(
      'CHUNKER_PARAMETERS',
      `Chunks of ${minBytes} to ${maxBytes} bytes, normally ${normalBytes}, cannot be cut.`,
    );
  }
  const bytes = expandKey(chunkerKey, 'holdfast gear table v1', 1024);
  const table = Int32Array.from({ length: 256 }, (_, index) => bytes.readInt32LE(index * 4));
  return {
    table,
    minBytes,
    normalBytes,
    maxBytes,
    strictMask: topBits(bits + NORMALISATION_BITS),
    looseMask: topBits(bits - NORMALISATION_BITS),
  };
}

function topBits(count: number): number {
  return -1 << (32 - count);
}

const PAGE_BYTES = 64 * KIB;

interface GearSearch {
  readonly hash: WebAssembly.Global;
  readonly search: (at: number, to: number, mask: number) => number;
}

/**
 * Cuts one stream. It keeps only how far into the current chunk it is; boundaries do not depend on the pieces in which the
 * stream is handed over. The loop over the bytes is WebAssembly, seven times as fast as JavaScript's, and sees nothing but memory of its own:
 * what is to be cut lies in the chunker's `room`.
 */
export class Chunker {
  /** Whatever the caller puts here. */
  readonly room: Buffer;
  private readonly gear: GearSearch;
  private length = 0;

  constructor(
    private readonly plan: ChunkerPlan,
    roomBytes: number,
  ) {
    // The first page has the table: no byte of the room is at 0, which says that nothing was found.
    const pages = 1 + Math.ceil(roomBytes / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    new Int32Array(memory.buffer).set(plan.table);
    this.room = Buffer.from(memory.buffer, PAGE_BYTES, roomBytes);
    const module = new WebAssembly.Module(GEAR_SEARCH);
    this.gear = new WebAssembly.Instance(module, { chunker: { memory } }).exports as unknown as GearSearch;
  }

  /** Bytes of the current chunk seen so far. */
  get pending(): number {
    return this.length;
  }

  /**
   * Takes in the stream's next bytes, `bytes[start, end)`, which lie in the room. Returns where in `bytes` the current chunk
   * ends, and is then ready for the next one, which starts there; or −1 when it took all and the chunk goes on.
   */
  cut(bytes: Uint8Array, start: number, end: number): number {
    if (bytes.buffer !== this.room.buffer || end > bytes.length)
      throw new TypeError('what is to be cut lies elsewhere');
    const { minBytes, normalBytes, maxBytes, strictMask, looseMask } = this.plan;
    const origin = start - this.length;
    const warmFrom = Math.max(start, origin + minBytes - WINDOW);
    if (warmFrom >= end) return this.goOn(start, end);
    const judgeFrom = clamp(origin + minBytes - 1, warmFrom, end);
    const looseFrom = clamp(origin + normalBytes - 1, judgeFrom, end);
    const stop = Math.min(origin + maxBytes, end);

    this.roll(bytes, warmFrom, judgeFrom);
    let found = this.search(bytes, judgeFrom, looseFrom, strictMask);
    if (found < 0) found = this.search(bytes, looseFrom, stop, looseMask);
    if (found < 0 && stop === origin + maxBytes) found = stop;
    if (found < 0) return this.goOn(start, end);
    this.reset();
    return found;
  }

  /** Forgets the current chunk: the stream ended, or jumps (a hole). */
  reset(): void {
    this.gear.hash.value = 0;
    this.length = 0;
  }

  private goOn(start: number, end: number): number {
    this.length += end - start;
    return -1;
  }

  private roll(bytes: Uint8Array, from: number, to: number): void {
    if (from >= to) return;
    const { table } = this.plan;
    let hash = this.gear.hash.value as number;
    for (let at = from; at < to; at++) hash = ((hash << 1) + (table[bytes[at] as number] as number)) | 0;
    this.gear.hash.value = hash;
  }

  private search({ byteOffset }: Uint8Array, from: number, to: number, mask: number): number {
    if (from >= to) return -1;
    const found = this.gear.search(byteOffset + from, byteOffset + to, mask);
    return found === 0 ? -1 : found - byteOffset;
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
