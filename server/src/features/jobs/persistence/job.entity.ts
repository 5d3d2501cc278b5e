import { Entity, Index } from '@mikro-orm/decorators/legacy';
import {
  BytesColumn,
  IdColumn,
  IdRefColumn,
  IntColumn,
  JsonColumn,
  TextColumn,
  TimeColumn,
} from '../../../platform/db/columns.js';
import type { BackupType, JobCounters, JobKind, JobState, NoticeKind } from '../domain/job.js';
import type { OutboxKind, OutboxMessage } from '../domain/outbox-message.js';

/** Counters as decimal strings: JSON has no integers beyond 2^53. */
export type CountersJson = Record<keyof JobCounters, string>;

@Entity({ tableName: 'job' })
@Index({ properties: ['createdAt', 'id'] })
@Index({ properties: ['subscriptionId', 'createdAt', 'id'] })
@Index({ properties: ['protectedItemId', 'createdAt', 'id'] })
@Index({ properties: ['agentId', 'state'] })
@Index({ properties: ['state', 'leaseUntil'] })
export class JobRow {
  @IdColumn() id!: string;
  @TextColumn() kind!: JobKind;
  @TextColumn() state!: JobState;
  @IdRefColumn() subscriptionId!: string;
  @IdRefColumn({ index: true }) vaultId!: string;
  @IdRefColumn() protectedItemId!: string;
  /** The item while the job is active: one active job per item, whoever claims. */
  @IdRefColumn({ nullable: true, unique: true }) activeItemId: string | null = null;
  @IdRefColumn() agentId!: string;
  @TextColumn() requestedBy!: string;
  @JsonColumn() payload!: unknown;
  @TextColumn({ nullable: true }) requestedBackupType: BackupType | null = null;
  @TextColumn({ nullable: true }) backupType: BackupType | null = null;
  @TextColumn({ nullable: true }) backupTypeReason: string | null = null;
  @IdRefColumn({ nullable: true }) recoveryPointId: string | null = null;
  @IntColumn() attempt!: number;
  @IntColumn() epoch!: number;
  @TimeColumn({ nullable: true }) leaseUntil: number | null = null;
  @TimeColumn() notBefore!: number;
  @TimeColumn({ nullable: true }) cancelRequestedAt: number | null = null;
  @TimeColumn() createdAt!: number;
  @TimeColumn({ nullable: true }) startedAt: number | null = null;
  @TimeColumn({ nullable: true }) finishedAt: number | null = null;
  @TextColumn({ nullable: true }) errorCode: string | null = null;
  @TextColumn({ nullable: true }) errorMessage: string | null = null;
  @TextColumn({ nullable: true }) previousErrorCode: string | null = null;
  @TextColumn({ nullable: true }) previousErrorMessage: string | null = null;
  @JsonColumn({ nullable: true }) counters: CountersJson | null = null;
  @IntColumn() noticesTotal!: number;
}

@Entity({ tableName: 'job_notice' })
@Index({ properties: ['jobId', 'position'] })
export class JobNoticeRow {
  @IdColumn() id!: string;
  @IdRefColumn() jobId!: string;
  @IntColumn() position!: number;
  @BytesColumn() path!: Buffer;
  @TextColumn() kind!: NoticeKind;
  @TextColumn() message!: string;
}

@Entity({ tableName: 'outbox_message' })
@Index({ properties: ['dueAt', 'id'] })
export class OutboxRow {
  @IdColumn() id!: string;
  @TextColumn() kind!: OutboxKind;
  @JsonColumn() payload!: OutboxMessage['payload'];
  @IntColumn() attempts!: number;
  @TimeColumn() dueAt!: number;
}
