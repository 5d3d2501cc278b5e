import type { EntityClass } from '@mikro-orm/core';
import { ApiTokenRow, RoleAssignmentRow, SessionRow, UserRow } from '../../features/access/persistence/access.entity.js';
import { AuditEventRow } from '../../features/audit/persistence/audit-event.entity.js';

/** Every table of the catalog. Each feature adds its rows here, then `pnpm --filter @holdfast/server migration:renew`. */
export const ENTITIES: EntityClass<object>[] = [UserRow, RoleAssignmentRow, SessionRow, ApiTokenRow, AuditEventRow];
