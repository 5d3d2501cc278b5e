import type { SqlEntityManager } from '@mikro-orm/sql';
import { paginate } from '../../../platform/db/paginate.js';
import { orConflict } from '../../../platform/db/unique-violation.js';
import type { Page, PageRequest } from '../../../platform/page.js';
import type { Region, RegionStore } from '../ports.js';
import { RegionRow, ZoneRow } from './region.entity.js';

export class MikroRegionStore implements RegionStore {
  constructor(private readonly em: SqlEntityManager) {}

  async insert(region: Region): Promise<void> {
    const { id, name, createdAt, zones } = region;
    await orConflict(
      this.em.insert(RegionRow, { id, name, createdAt }),
      'REGION_NAME_TAKEN',
      'A region of that name exists already.',
    );
    for (const [place, zone] of zones.entries()) {
      await orConflict(
        this.em.insert(ZoneRow, { ...zone, regionId: id, place }),
        'STORE_TAKEN',
        'Another zone uses that store already.',
      );
    }
  }

  async get(id: string): Promise<Region | undefined> {
    return (await this.getMany([id]))[0];
  }

  async getMany(ids: readonly string[]): Promise<Region[]> {
    return this.withZones(await this.em.find(RegionRow, { id: { $in: [...ids] } }));
  }

  async list(page: PageRequest): Promise<Page<Region>> {
    const rows = await paginate(this.em, RegionRow, {}, 'createdAt', page);
    const regions = await this.withZones(rows.items.map((each) => each.item));
    return {
      hasNextPage: rows.hasNextPage,
      items: rows.items.flatMap(({ cursor }, at) => (regions[at] === undefined ? [] : [{ cursor, item: regions[at] }])),
    };
  }

  private async withZones(rows: readonly RegionRow[]): Promise<Region[]> {
    const zones = await this.em.find(
      ZoneRow,
      { regionId: { $in: rows.map((row) => row.id) } },
      { orderBy: { place: 'ASC' } },
    );
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      createdAt: row.createdAt,
      zones: zones.filter((zone) => zone.regionId === row.id).map(({ id, name, storeUrl }) => ({ id, name, storeUrl })),
    }));
  }
}
