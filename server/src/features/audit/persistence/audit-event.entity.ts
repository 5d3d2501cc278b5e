import { Entity, Index } from '@mikro-orm/decorators/legacy';
import { IdColumn, IntColumn, TextColumn, TimeColumn } from '../../../platform/db/columns.js';
import type { AuditOutcome } from '../ports.js';

@Entity({ tableName: 'audit_event' })
@Index({ properties: ['at', 'id'] })
export class AuditEventRow {
  @IdColumn() id!: string;
  @TimeColumn() at!: number;
  @TextColumn() actor!: string;
  @TextColumn() action!: string;
  @TextColumn({ nullable: true }) targetType: string | null = null;
  @TextColumn({ nullable: true }) targetId: string | null = null;
  @TextColumn() outcome!: AuditOutcome;
  @TextColumn({ nullable: true }) reason: string | null = null;
  @TextColumn({ nullable: true }) address: string | null = null;
  @IntColumn() count!: number;
  @TimeColumn({ nullable: true }) firstAt: number | null = null;
  @TimeColumn({ nullable: true }) lastAt: number | null = null;
}
