import type { Page, PageRequest } from '../../platform/page.js';

export interface Zone {
  readonly id: string;
  readonly name: string;
  /** `local:/absolute/real/path`: vaults of the zone lie below it. */
  readonly storeUrl: string;
}

/** A site with one to three zones. */
export interface Region {
  readonly id: string;
  readonly name: string;
  /** In the order they were given; the first is where vaults of redundancy LRS lie. */
  readonly zones: readonly Zone[];
  readonly createdAt: number;
}

export interface RegionStore {
  /** Throws Conflict when the name is taken. */
  insert(region: Region): Promise<void>;
  get(id: string): Promise<Region | undefined>;
  getMany(ids: readonly string[]): Promise<Region[]>;
  list(page: PageRequest): Promise<Page<Region>>;
}

export interface RegionServices {
  /**
   * The store's URL with its path made real and its folder made. Throws Validation unless it is `local:` and an
   * absolute path below a root that the configuration allows, also after symbolic links.
   */
  admitStore(storeUrl: string): Promise<string>;
}
