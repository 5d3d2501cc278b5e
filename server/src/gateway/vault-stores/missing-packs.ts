import { type ObjectStore, parseObjectName } from '@holdfast/core/engine';
import { uuidFromBytes } from '@holdfast/core/ids';
import type { Log } from '../../platform/telemetry/log.js';
import type { ChunkIndex } from '../chunk-index/chunk-index.js';
import { SUSPECT } from '../chunk-index/copy-state.js';

interface Looked {
  readonly vaultId: string;
  readonly store: Pick<ObjectStore, 'list'>;
  readonly index: ChunkIndex;
}

/**
 * Packs that the store has lost, without a word from whoever removed them. Where one is missing others may be: all of them are looked for at once, so that one
 * backup heals what its source still has.
 */
export class MissingPacks {
  private looking: Promise<void> | undefined;

  constructor(
    private readonly vault: Looked,
    private readonly log: Log,
  ) {}

  /** Compares the store's packs with the index. One look at a time; never rejects. */
  look(): Promise<void> {
    this.looking ??= this.lookNow()
      .catch((error: unknown) => this.log.warn({ vaultId: this.vault.vaultId, err: error }, 'vault.packs_not_listed'))
      .finally(() => {
        this.looking = undefined;
      });
    return this.looking;
  }

  private async lookNow(): Promise<void> {
    const { vaultId, store, index } = this.vault;
    // Before the store is listed: what is stored meanwhile is not missed.
    const expected = new Set(index.packIds('stored'));
    for await (const { name } of store.list('pack/')) {
      const parsed = parseObjectName(name);
      if (parsed?.folder === 'pack') expected.delete(uuidFromBytes(parsed.id));
    }
    const packs = markMissing(index, expected);
    if (packs > 0) this.log.error({ vaultId, packs }, 'vault.packs_missing');
  }
}

/** Their copies count for no new backup from now on, and are read last. Returns how many of these packs were not known to be missing. */
export function markMissing(index: ChunkIndex, packIds: Iterable<string>): number {
  let packs = 0;
  for (const id of packIds) {
    const pack = index.findPack(id);
    if (!pack || pack.copies === 0 || (index.currentState(pack.firstCopy) & SUSPECT) !== 0) continue;
    packs += 1;
    index.changeState(
      Array.from({ length: pack.copies }, (_, place) => pack.firstCopy + place),
      { set: SUSPECT },
    );
  }
  return packs;
}
