import DataLoader from 'dataloader';
import type { Stores } from '../../features/stores.js';
import type { UnitOfWork } from '../context.js';

/**
 * Batch loading for the fields of one request: `ctx.loaders.load('vault', id, (stores, ids) => stores.vaults.getMany(ids))`.
 * It does not authorise: use it for what the parent object, already authorised, refers to.
 */
export class Loaders {
  private readonly byName = new Map<string, DataLoader<string, { readonly id: string } | undefined>>();

  /** A subscription lives long: its loaders remember nothing from one event to the next. */
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly remembering = true,
  ) {}

  /** The row of that id, or undefined. All calls of one name in one tick become one query. */
  async load<T extends { readonly id: string }>(
    name: string,
    id: string,
    fetch: (stores: Stores, ids: readonly string[]) => Promise<readonly T[]>,
  ): Promise<T | undefined> {
    let loader = this.byName.get(name);
    if (loader === undefined) {
      loader = new DataLoader<string, T | undefined>(
        async (ids) => {
          const rows = await this.unitOfWork.run((stores) => fetch(stores, ids));
          const byId = new Map(rows.map((row) => [row.id, row]));
          return ids.map((each) => byId.get(each));
        },
        { maxBatchSize: 500, cache: this.remembering },
      );
      this.byName.set(name, loader);
    }
    return (await loader.load(id)) as T | undefined;
  }
}
