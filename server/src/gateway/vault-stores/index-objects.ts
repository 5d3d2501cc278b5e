import {
  encodePackFooter,
  encodePackIndex,
  MAX_INDEX_FOOTERS,
  type ObjectStore,
  type PackFooter,
} from '@holdfast/core/engine';
import { uuidToBytes } from '@holdfast/core/ids';
import type { ChunkIndex, Pack } from '../chunk-index/chunk-index.js';

/** Above this an object is full: a rebuild reads them one by one into memory. */
const TARGET_BYTES = 16 * 1024 * 1024;

/**
 * Writes the footers of stored packs into index objects, which make a rebuild fast. A crash between
 * the object and its mark in the index writes the same footers again under the next number, which
 * harms nobody. One writer at a time per vault.
 */
export class IndexObjects {
  private tail: Promise<void> = Promise.resolve();

  constructor(
    private readonly vaultId: string,
    private readonly store: Pick<ObjectStore, 'put'>,
    private readonly index: ChunkIndex,
  ) {}

  /** Every pack that is stored when this is called has its footer in a durable index object when it resolves. */
  writePending(): Promise<void> {
    const work = this.tail.then(() => this.writeAll());
    this.tail = work.catch(() => undefined);
    return work;
  }

  private async writeAll(): Promise<void> {
    for (;;) {
      const packs = this.index.unindexedPacks(MAX_INDEX_FOOTERS);
      if (packs.length === 0) return;
      await this.writeOne(packs);
    }
  }

  private async writeOne(packs: readonly Pack[]): Promise<void> {
    const taken: number[] = [];
    const footers: PackFooter[] = [];
    let bytes = 0;
    for (const pack of packs) {
      const footer = this.index.footerOf(pack);
      taken.push(pack.number);
      footers.push(footer);
      bytes += encodePackFooter(footer).length;
      if (bytes >= TARGET_BYTES) break;
    }
    for (let number = this.index.nextIndexNumber(); ; number++) {
      const { name, bytes: content } = encodePackIndex(uuidToBytes(this.vaultId), BigInt(number), footers);
      const { created } = await this.store.put(name, content, { ifAbsent: true });
      if (!created) continue;
      this.index.markIndexed(taken, number);
      return;
    }
  }
}
