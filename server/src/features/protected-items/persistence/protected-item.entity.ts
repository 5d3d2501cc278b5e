import { Entity, Index } from '@mikro-orm/decorators/legacy';
import { IdColumn, IdRefColumn, IntColumn, JsonColumn, TextColumn, TimeColumn } from '../../../platform/db/columns.js';
import type { PreCheckStatus } from '../domain/pre-check.js';
import type { ProtectionState, Workload } from '../domain/protected-item.js';

/** Paths and patterns are bytes, so JSON holds them as base64. */
export interface FilesDatasourceJson {
  readonly roots: string[];
  readonly include: string[];
  readonly exclude: string[];
  readonly oneFileSystem: boolean;
}

export interface PreCheckJson {
  readonly status: PreCheckStatus;
  readonly checkedAt: number;
  readonly troubles: readonly { readonly path: string; readonly message: string }[];
}

@Entity({ tableName: 'protected_item' })
@Index({ properties: ['createdAt', 'id'] })
@Index({ properties: ['vaultId', 'name'] })
export class ProtectedItemRow {
  @IdColumn() id!: string;
  @TextColumn() name!: string;
  @TextColumn() workload!: Workload;
  @JsonColumn() files!: FilesDatasourceJson;
  @IdRefColumn({ index: true }) subscriptionId!: string;
  @IdRefColumn() vaultId!: string;
  @IdRefColumn({ index: true }) agentId!: string;
  @IdRefColumn({ nullable: true }) policyId: string | null = null;
  @TextColumn() state!: ProtectionState;
  @TimeColumn({ nullable: true }) servedUntil: number | null = null;
  @TimeColumn({ nullable: true, index: true }) nextBackupAt: number | null = null;
  @IntColumn() cacheGeneration!: number;
  @TimeColumn() createdAt!: number;
  @TimeColumn({ nullable: true }) stoppedAt: number | null = null;
  @JsonColumn({ nullable: true }) preCheck: PreCheckJson | null = null;
}
