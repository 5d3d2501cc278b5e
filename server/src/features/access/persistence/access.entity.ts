import { Entity, Index } from '@mikro-orm/decorators/legacy';
import { IdColumn, IdRefColumn, TextColumn, TimeColumn } from '../../../platform/db/columns.js';
import type { Role } from '../domain/roles.js';

@Entity({ tableName: 'user_account' })
export class UserRow {
  @IdColumn() id!: string;
  @TextColumn() name!: string;
  /** The name as it is compared. */
  @TextColumn({ unique: true }) foldedName!: string;
  @TextColumn() passwordHash!: string;
  @TimeColumn() createdAt!: number;
}

@Entity({ tableName: 'role_assignment' })
@Index({ properties: ['createdAt', 'id'] })
export class RoleAssignmentRow {
  @IdColumn() id!: string;
  @IdRefColumn({ index: true }) userId!: string;
  @TextColumn() role!: Role;
  @IdRefColumn({ nullable: true }) subscriptionId: string | null = null;
  @IdRefColumn({ nullable: true }) vaultId: string | null = null;
  @TimeColumn() createdAt!: number;
}

@Entity({ tableName: 'session' })
export class SessionRow {
  @IdColumn() id!: string;
  @IdRefColumn({ index: true }) userId!: string;
  @TextColumn({ unique: true }) tokenHash!: string;
  @TimeColumn() createdAt!: number;
  @TimeColumn() lastUsedAt!: number;
  @TimeColumn({ index: true }) expiresAt!: number;
  @TimeColumn() endsAt!: number;
}

@Entity({ tableName: 'api_token' })
export class ApiTokenRow {
  @IdColumn() id!: string;
  @IdRefColumn({ index: true }) userId!: string;
  @TextColumn() name!: string;
  @TextColumn({ unique: true }) tokenHash!: string;
  @TextColumn() role!: Role;
  @IdRefColumn({ nullable: true }) subscriptionId: string | null = null;
  @IdRefColumn({ nullable: true }) vaultId: string | null = null;
  @TimeColumn() createdAt!: number;
  @TimeColumn() expiresAt!: number;
  @TimeColumn({ nullable: true }) revokedAt: number | null = null;
}
