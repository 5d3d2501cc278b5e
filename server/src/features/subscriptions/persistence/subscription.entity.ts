import { Entity, Index } from '@mikro-orm/decorators/legacy';
import { IdColumn, TextColumn, TimeColumn } from '../../../platform/db/columns.js';

@Entity({ tableName: 'subscription' })
@Index({ properties: ['createdAt', 'id'] })
export class SubscriptionRow {
  @IdColumn() id!: string;
  @TextColumn({ unique: true }) name!: string;
  @TimeColumn() createdAt!: number;
}
