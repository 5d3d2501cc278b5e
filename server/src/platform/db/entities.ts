import type { EntityClass } from '@mikro-orm/core';
import { ApiTokenRow, RoleAssignmentRow, SessionRow, UserRow } from '../../features/access/persistence/access.entity.js';
import { AuditEventRow } from '../../features/audit/persistence/audit-event.entity.js';
import { PolicyRow } from '../../features/policies/persistence/policy.entity.js';
import { ProtectedItemRow } from '../../features/protected-items/persistence/protected-item.entity.js';
import { PreparedPointRow, QuarantinedPointRow, RecoveryPointRow } from '../../features/recovery-points/persistence/recovery-point.entity.js';
import { ServerIdentityRow, VaultDomainRow, VaultLogRow, VaultRow } from '../../features/vaults/persistence/vault.entity.js';

/** Every table of the catalog. Each feature adds its rows here, then `pnpm --filter @holdfast/server migration:renew`. */
export const ENTITIES: EntityClass<object>[] = [
  UserRow,
  RoleAssignmentRow,
  SessionRow,
  ApiTokenRow,
  AuditEventRow,
  ServerIdentityRow,
  VaultRow,
  VaultDomainRow,
  VaultLogRow,
  PolicyRow,
  ProtectedItemRow,
  RecoveryPointRow,
  PreparedPointRow,
  QuarantinedPointRow,
];
