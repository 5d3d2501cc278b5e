import { GATHER_BYTES, ID_BYTES, MAX_FRAME_CHUNKS } from '../format/limits.js';
import type { FrameChunk, PlainFrame } from './seal-frame.js';

/** A named chunk on its way into a pack. */
export interface NamedChunk {
  readonly id: Uint8Array;
  readonly plaintext: Uint8Array;
  /** Nodes: sorted set of the ids it refers to. */
  readonly edges?: Uint8Array;
}

// Edges stand uncompressed in the footer: a frame of nodes ends before they outgrow its content.
const GATHER_EDGE_BYTES = 32_768 * ID_BYTES;

/**
 * Puts small chunks together until they make a frame worth sealing. A chunk of half a frame or more
 * goes by itself, uncopied.
 *
 * A frame's plaintext is a view of the gatherer's one buffer (or of the large chunk): it is valid
 * inside `emit` only.
 */
export class FrameGatherer {
  private readonly buffer = Buffer.allocUnsafeSlow(GATHER_BYTES);
  private chunks: FrameChunk[] = [];
  private length = 0;
  private edgeBytes = 0;

  constructor(private readonly emit: (frame: PlainFrame) => void) {}

  add(chunk: NamedChunk): void {
    const { plaintext, id, edges } = chunk;
    const described: FrameChunk = { id, length: plaintext.length, ...(edges && { edges }) };
    if (plaintext.length >= GATHER_BYTES / 2) {
      this.emit({ plaintext, chunks: [described] });
      return;
    }
    if (this.length + plaintext.length > GATHER_BYTES) this.flush();
    this.buffer.set(plaintext, this.length);
    this.length += plaintext.length;
    this.edgeBytes += edges?.length ?? 0;
    this.chunks.push(described);
    if (this.chunks.length === MAX_FRAME_CHUNKS || this.edgeBytes >= GATHER_EDGE_BYTES) this.flush();
  }

  /** Plaintext that `flush` would emit. */
  get pendingBytes(): number {
    return this.length;
  }

  /** Emits what is gathered, however little. */
  flush(): void {
    if (this.chunks.length === 0) return;
    const frame: PlainFrame = { plaintext: this.buffer.subarray(0, this.length), chunks: this.chunks };
    this.chunks = [];
    this.length = 0;
    this.edgeBytes = 0;
    this.emit(frame);
  }
}
