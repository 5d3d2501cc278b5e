import { Entity, Index, Unique } from '@mikro-orm/decorators/legacy';
import {
  AmountColumn,
  BytesColumn,
  IdColumn,
  IdRefColumn,
  IntColumn,
  TextColumn,
  TimeColumn,
} from '../../../platform/db/columns.js';
import type { BackupType } from '../../jobs/domain/job.js';
import type { Consistency, PointState } from '../domain/recovery-point.js';

@Entity({ tableName: 'recovery_point' })
@Unique({ properties: ['itemId', 'sequence'] })
@Index({ properties: ['committedAt', 'id'] })
@Index({ properties: ['itemId', 'state', 'committedAt', 'id'] })
@Index({ properties: ['vaultId', 'state', 'committedAt', 'id'] })
export class RecoveryPointRow {
  @IdColumn() id!: string;
  @IdRefColumn() subscriptionId!: string;
  @IdRefColumn() vaultId!: string;
  @IdRefColumn() itemId!: string;
  @IntColumn() sequence!: number;
  @BytesColumn({ nullable: true }) previousSha256: Buffer | null = null;
  @BytesColumn() objectSha256!: Buffer;
  @TextColumn() backupType!: BackupType;
  @TimeColumn() committedAt!: number;
  @BytesColumn() rootNode!: Buffer;
  @IdRefColumn() domainId!: string;
  @TextColumn() consistency!: Consistency;
  @IdRefColumn({ nullable: true }) basePointId: string | null = null;
  @IdRefColumn() agentId!: string;
  @IdRefColumn({ index: true }) jobId!: string;
  @AmountColumn() entries!: bigint;
  @AmountColumn() files!: bigint;
  @AmountColumn() bytesTotal!: bigint;
  @AmountColumn() bytesRead!: bigint;
  @AmountColumn() bytesChanged!: bigint;
  @AmountColumn() bytesSent!: bigint;
  @AmountColumn() bytesStored!: bigint;
  @AmountColumn() warnings!: bigint;
  @TextColumn() state!: PointState;
  @TimeColumn({ nullable: true }) deletedAt: number | null = null;
}

@Entity({ tableName: 'prepared_point' })
@Unique({ properties: ['jobId', 'rootNodeHex'] })
export class PreparedPointRow {
  @IdColumn() id!: string;
  @IdRefColumn() jobId!: string;
  @TextColumn() rootNodeHex!: string;
  @BytesColumn() signed!: Buffer;
}

/** Objects in a store that the catalog did not take: kept for someone to look at, never deleted. */
@Entity({ tableName: 'quarantined_point' })
export class QuarantinedPointRow {
  @IdColumn() id!: string;
  @IdRefColumn({ index: true }) vaultId!: string;
  @TextColumn() reason!: string;
  @TimeColumn() foundAt!: number;
}
