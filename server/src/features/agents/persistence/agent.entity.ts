import type { BandwidthLimits } from '@holdfast/core/policy';
import { Entity, Index } from '@mikro-orm/decorators/legacy';
import { IdColumn, IdRefColumn, JsonColumn, TextColumn, TimeColumn } from '../../../platform/db/columns.js';

@Entity({ tableName: 'agent' })
@Index({ properties: ['enrolledAt', 'id'] })
@Index({ properties: ['subscriptionId', 'name'] })
export class AgentRow {
  @IdColumn() id!: string;
  @IdRefColumn() subscriptionId!: string;
  @TextColumn() name!: string;
  @TextColumn() hostName!: string;
  @TextColumn() operatingSystem!: string;
  @TextColumn() architecture!: string;
  @TextColumn() agentVersion!: string;
  @JsonColumn() capabilities!: string[];
  @JsonColumn() bandwidth!: BandwidthLimits;
  @TimeColumn() enrolledAt!: number;
  @TimeColumn({ nullable: true }) lastSeenAt: number | null = null;
  @TextColumn({ nullable: true }) instance: string | null = null;
  @TimeColumn({ nullable: true }) revokedAt: number | null = null;
}

@Entity({ tableName: 'enrollment_token' })
export class EnrollmentTokenRow {
  @IdColumn() id!: string;
  @TextColumn({ unique: true }) secretHash!: string;
  @IdRefColumn() subscriptionId!: string;
  @TextColumn() agentName!: string;
  @TextColumn() createdBy!: string;
  @TimeColumn() createdAt!: number;
  @TimeColumn() expiresAt!: number;
  @TimeColumn({ nullable: true }) usedAt: number | null = null;
}
