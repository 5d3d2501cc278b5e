import { Entity, Index, Unique } from '@mikro-orm/decorators/legacy';
import {
  BoolColumn,
  BytesColumn,
  IdColumn,
  IdRefColumn,
  IntColumn,
  TextColumn,
  TimeColumn,
} from '../../../platform/db/columns.js';
import type { DedupDomain, Redundancy, VaultKind, VaultState } from '../domain/vault.js';

@Entity({ tableName: 'vault' })
@Unique({ properties: ['subscriptionId', 'name'] })
@Index({ properties: ['createdAt', 'id'] })
export class VaultRow {
  @IdColumn() id!: string;
  @IdRefColumn() subscriptionId!: string;
  @IdRefColumn() regionId!: string;
  @TextColumn() name!: string;
  @TextColumn() kind!: VaultKind;
  @TextColumn() redundancy!: Redundancy;
  @TextColumn() dedupDomain!: DedupDomain;
  @TextColumn() state!: VaultState;
  @TextColumn() storeUrl!: string;
  @BytesColumn() descriptor!: Buffer;
  @IntColumn() logNumber!: number;
  @BytesColumn() logSha256!: Buffer;
  @TimeColumn({ nullable: true }) recoveryKitConfirmedAt: number | null = null;
  @TimeColumn() createdAt!: number;
}

@Entity({ tableName: 'vault_domain' })
export class VaultDomainRow {
  @IdColumn() id!: string;
  @IdRefColumn({ index: true }) vaultId!: string;
  @IdRefColumn({ nullable: true, unique: true }) itemId: string | null = null;
  @BytesColumn() message!: Buffer;
  @BoolColumn() stored!: boolean;
}

/** Entries wait here until they are durable in the store, and go then: the store is the log. */
@Entity({ tableName: 'vault_log' })
@Unique({ properties: ['vaultId', 'number'] })
export class VaultLogRow {
  @IdColumn() id!: string;
  @IdRefColumn() vaultId!: string;
  @IntColumn() number!: number;
  @BytesColumn() signed!: Buffer;
}

@Entity({ tableName: 'server_identity' })
export class ServerIdentityRow {
  @IdColumn() id!: string;
  /** Always 1: the unique column lets a second identity never be. */
  @IntColumn({ unique: true }) singleton!: number;
  @BytesColumn() signingPublicKey!: Buffer;
  @BytesColumn() sealedSigningKey!: Buffer;
}
