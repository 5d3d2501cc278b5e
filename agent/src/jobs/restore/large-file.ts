import type { ContentRef, FileExtent } from '@holdfast/core/engine';
import { readExtents } from '@holdfast/core/engine';
import type { DataBlock } from '../../workloads/files/write-content.js';
import { idKey } from '../ids.js';
import type { ChunkReader } from './chunk-reader.js';
import { asDamage } from './chunk-reader.js';
import { DamageError } from './damage.js';

/** Asked for at a time. They stream in, so this costs no memory, and the fewer questions there are, the less time passes between them. */
const EXTENTS_PER_READ = 1_024;

/** The runs of data of a large or sparse file, verified, in the order in which the vault delivers them. Throws DamageError. */
export async function* readLargeFile(
  content: ContentRef,
  size: number,
  reader: ChunkReader,
): AsyncGenerator<DataBlock, void, void> {
  try {
    let extents: FileExtent[] = [];
    for await (const extent of readExtents(content, size, (id) => reader.node(id))) {
      extents.push(extent);
      if (extents.length < EXTENTS_PER_READ) continue;
      yield* readData(extents, reader);
      extents = [];
    }
    yield* readData(extents, reader);
  } catch (error) {
    throw asDamage(error);
  }
}

async function* readData(extents: readonly FileExtent[], reader: ChunkReader): AsyncGenerator<DataBlock, void, void> {
  const places = Map.groupBy(extents, ({ id }) => idKey(id));
  for await (const { id, result } of reader.results(extents.map((extent) => extent.id))) {
    if (result instanceof DamageError) throw result;
    const data = result.plaintext;
    for (const { offset, length } of places.get(idKey(id)) ?? []) {
      if (data.length !== length) throw new DamageError('an extent does not have the length of its chunk');
      yield { offset, data };
    }
  }
}
