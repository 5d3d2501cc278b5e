import type { ChunkReader, FetchedChunks } from './chunk-reader.js';
import type { RestoreItem } from './tree-walk.js';

const ITEMS_PER_BATCH = 1_000;
const BYTES_PER_BATCH = 8 * 1024 * 1024;

export interface RestoreBatch {
  readonly items: readonly RestoreItem[];
  /** The content of all files that are one chunk; the nodes of the others are at hand then, as far as there is room for them. */
  readonly chunks: Promise<FetchedChunks>;
}

/**
 * Cuts the walk into windows and asks for the small files of each at once. Asked for a window, it has begun to fetch it: so while one is
 * written, the next is on its way, and no more than that.
 */
export async function* batchItems(
  walk: AsyncIterable<readonly RestoreItem[]>,
  reader: ChunkReader,
): AsyncGenerator<RestoreBatch, void, void> {
  let window: RestoreItem[] = [];
  let ids: Buffer[] = [];
  let nodes: Buffer[] = [];
  let bytes = 0;
  const cut = (): RestoreBatch => {
    const chunks = fetchBoth(reader, ids, nodes);
    // Whoever writes the window meets the failure; until then it is nobody's.
    chunks.catch(() => undefined);
    const batch = { items: window, chunks };
    window = [];
    ids = [];
    nodes = [];
    bytes = 0;
    return batch;
  };
  for await (const items of walk) {
    for (const item of items) {
      window.push(item);
      if (item.kind === 'file' && item.content?.kind === 'node') nodes.push(item.content.id);
      else if (item.kind === 'file' && item.content) {
        ids.push(item.content.id);
        bytes += item.entry.size;
      }
      if (window.length >= ITEMS_PER_BATCH || bytes >= BYTES_PER_BATCH) yield cut();
    }
  }
  if (window.length > 0) yield cut();
}

async function fetchBoth(
  reader: ChunkReader,
  ids: readonly Buffer[],
  nodes: readonly Buffer[],
): Promise<FetchedChunks> {
  const [chunks] = await Promise.all([reader.fetch(ids), reader.warm(nodes)]);
  return chunks;
}

/** Always one ahead of its consumer. */
export async function* oneAhead<T>(source: AsyncGenerator<T, void, void>): AsyncGenerator<T, void, void> {
  let next = source.next();
  try {
    for (;;) {
      const { value, done } = await next;
      if (done === true) return;
      next = source.next();
      next.catch(() => undefined);
      yield value;
    }
  } finally {
    await next.catch(() => undefined);
    await source.return();
  }
}
