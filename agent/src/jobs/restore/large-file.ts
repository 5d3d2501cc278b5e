import type { ContentRef, FileExtent } from '@holdfast/core/engine';
import { readExtents } from '@holdfast/core/engine';
import type { DataBlock } from '../../workloads/files/write-content.js';
import type { ChunkReader, FetchedChunks } from './chunk-reader.js';
import { asDamage } from './chunk-reader.js';
import { DamageError } from './damage.js';
import { oneAhead } from './restore-batches.js';

const WINDOW_BYTES = 8 * 1024 * 1024;

interface Window {
  readonly extents: readonly FileExtent[];
  readonly chunks: Promise<FetchedChunks>;
}

/** The runs of data of a large or sparse file, verified, a window at a time with the next one on its way. Throws DamageError. */
export async function* readLargeFile(
  content: ContentRef,
  size: number,
  reader: ChunkReader,
): AsyncGenerator<DataBlock, void, void> {
  try {
    for await (const { extents, chunks } of oneAhead(windows(content, size, reader))) {
      const fetched = await chunks;
      for (const { id, offset, length } of extents) {
        const data = fetched.get(id).plaintext;
        if (data.length !== length) throw new DamageError('an extent does not have the length of its chunk');
        yield { offset, data };
      }
    }
  } catch (error) {
    throw asDamage(error);
  }
}

async function* windows(content: ContentRef, size: number, reader: ChunkReader): AsyncGenerator<Window, void, void> {
  let extents: FileExtent[] = [];
  let bytes = 0;
  const cut = (): Window => {
    const chunks = reader.fetch(extents.map(({ id }) => id));
    chunks.catch(() => undefined);
    const window = { extents, chunks };
    extents = [];
    bytes = 0;
    return window;
  };
  for await (const extent of readExtents(content, size, (id) => reader.node(id))) {
    extents.push(extent);
    bytes += extent.length;
    if (bytes >= WINDOW_BYTES) yield cut();
  }
  if (extents.length > 0) yield cut();
}
