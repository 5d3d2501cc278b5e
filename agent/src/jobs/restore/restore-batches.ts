import type { ChunkReader, FetchedChunks } from './chunk-reader.js';
import type { RestoreItem } from './tree-walk.js';

const ITEMS_PER_BATCH = 1_000;
const BYTES_PER_BATCH = 8 * 1024 * 1024;

export interface RestoreBatch {
  readonly items: readonly RestoreItem[];
  /** The content of all files that are one chunk. */
  readonly chunks: Promise<FetchedChunks>;
}

/**
 * Cuts the walk into windows and asks for the small files of each at once. Asked for a window, it has begun to fetch it: so while one is
 * written, the next is on its way, and no more than that.
 */
export async function* batchItems(
  items: AsyncIterable<RestoreItem>,
  reader: ChunkReader,
): AsyncGenerator<RestoreBatch, void, void> {
  let window: RestoreItem[] = [];
  let ids: Buffer[] = [];
  let bytes = 0;
  const cut = (): RestoreBatch => {
    const chunks = reader.fetch(ids);
    // Whoever writes the window meets the failure; until then it is nobody's.
    chunks.catch(() => undefined);
    const batch = { items: window, chunks };
    window = [];
    ids = [];
    bytes = 0;
    return batch;
  };
  for await (const item of items) {
    window.push(item);
    if (item.kind === 'file' && item.content?.kind === 'chunk') {
      ids.push(item.content.id);
      bytes += item.entry.size;
    }
    if (window.length >= ITEMS_PER_BATCH || bytes >= BYTES_PER_BATCH) yield cut();
  }
  if (window.length > 0) yield cut();
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
