import { Entity, Index, Unique } from '@mikro-orm/decorators/legacy';
import { IdColumn, IdRefColumn, JsonColumn, TextColumn, TimeColumn } from '../../../platform/db/columns.js';
import type { Schedule } from '../domain/policy.js';

@Entity({ tableName: 'policy' })
@Unique({ properties: ['subscriptionId', 'name'] })
@Index({ properties: ['createdAt', 'id'] })
export class PolicyRow {
  @IdColumn() id!: string;
  @IdRefColumn() subscriptionId!: string;
  @TextColumn() name!: string;
  @JsonColumn() schedule!: Schedule;
  @TimeColumn() createdAt!: number;
}
