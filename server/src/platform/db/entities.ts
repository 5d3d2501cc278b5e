import type { EntityClass } from '@mikro-orm/core';
import {
  ApiTokenRow,
  RoleAssignmentRow,
  SessionRow,
  UserRow,
} from '../../features/access/persistence/access.entity.js';
import { AgentRow, EnrollmentTokenRow } from '../../features/agents/persistence/agent.entity.js';
import { AuditEventRow } from '../../features/audit/persistence/audit-event.entity.js';
import { JobNoticeRow, JobRow, OutboxRow } from '../../features/jobs/persistence/job.entity.js';
import { PolicyRow } from '../../features/policies/persistence/policy.entity.js';
import { ProtectedItemRow } from '../../features/protected-items/persistence/protected-item.entity.js';
import {
  PreparedPointRow,
  QuarantinedPointRow,
  RecoveryPointRow,
} from '../../features/recovery-points/persistence/recovery-point.entity.js';
import { RegionRow, ZoneRow } from '../../features/regions/persistence/region.entity.js';
import { SubscriptionRow } from '../../features/subscriptions/persistence/subscription.entity.js';
import {
  ServerIdentityRow,
  VaultDomainRow,
  VaultLogRow,
  VaultRow,
} from '../../features/vaults/persistence/vault.entity.js';
import { HandledMutationRow } from './handled-mutation.entity.js';

/** Every table of the catalog. Each feature adds its rows here, then `pnpm --filter @holdfast/server migration:renew`. */
export const ENTITIES: EntityClass<object>[] = [
  UserRow,
  RoleAssignmentRow,
  SessionRow,
  ApiTokenRow,
  AuditEventRow,
  HandledMutationRow,
  SubscriptionRow,
  RegionRow,
  ZoneRow,
  AgentRow,
  EnrollmentTokenRow,
  JobRow,
  JobNoticeRow,
  OutboxRow,
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
