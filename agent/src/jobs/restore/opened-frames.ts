import type { OpenedChunk } from '@holdfast/core/engine';
import type { PackKindName } from '../data-transport.js';
import { idKey } from '../ids.js';

interface Frame {
  readonly chunks: readonly OpenedChunk[];
  readonly kind: PackKindName;
  readonly bytes: number;
}

/**
 * Frames that were opened lately, so that the small files which share one cost one transfer. Their chunks are not verified yet: a
 * frame says what it holds, and whoever takes a chunk out checks.
 */
export class OpenedFrames {
  private readonly frames = new Set<Frame>();
  private readonly places = new Map<string, { readonly chunk: OpenedChunk; readonly frame: Frame }>();
  private bytes = 0;

  constructor(private readonly capacity: number) {}

  find(id: Buffer): { readonly chunk: OpenedChunk; readonly kind: PackKindName } | undefined {
    const place = this.places.get(idKey(id));
    if (place === undefined) return undefined;
    // The last used goes last, and the first in line is dropped first.
    this.frames.delete(place.frame);
    this.frames.add(place.frame);
    return { chunk: place.chunk, kind: place.frame.kind };
  }

  add(chunks: readonly OpenedChunk[], kind: PackKindName): void {
    const frame: Frame = {
      chunks,
      kind,
      bytes: chunks.reduce((sum, chunk) => sum + chunk.plaintext.length + chunk.edges.length, 0),
    };
    this.frames.add(frame);
    this.bytes += frame.bytes;
    for (const chunk of chunks) this.places.set(idKey(chunk.id), { chunk, frame });
    while (this.bytes > this.capacity) this.drop();
  }

  private drop(): void {
    const [oldest] = this.frames;
    if (oldest === undefined) return;
    this.frames.delete(oldest);
    this.bytes -= oldest.bytes;
    for (const chunk of oldest.chunks) {
      const key = idKey(chunk.id);
      if (this.places.get(key)?.frame === oldest) this.places.delete(key);
    }
  }
}
