import { Entity, Index } from '@mikro-orm/decorators/legacy';
import { IdColumn, IdRefColumn, IntColumn, TextColumn, TimeColumn } from '../../../platform/db/columns.js';

@Entity({ tableName: 'region' })
@Index({ properties: ['createdAt', 'id'] })
export class RegionRow {
  @IdColumn() id!: string;
  @TextColumn({ unique: true }) name!: string;
  @TimeColumn() createdAt!: number;
}

@Entity({ tableName: 'zone' })
export class ZoneRow {
  @IdColumn() id!: string;
  @IdRefColumn({ index: true }) regionId!: string;
  @IntColumn() place!: number;
  @TextColumn() name!: string;
  @TextColumn({ unique: true }) storeUrl!: string;
}
