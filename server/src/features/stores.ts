import type { ApiTokenStore, RoleAssignmentStore, SessionStore, UserStore } from './access/ports.js';
import type { AuditStore } from './audit/ports.js';
import type { JobStore, OutboxStore } from './jobs/ports.js';

/** The stores of all features over one transaction. Each feature adds its line here and in build-stores.ts. */
export interface Stores {
  readonly audit: AuditStore;
  readonly users: UserStore;
  readonly roleAssignments: RoleAssignmentStore;
  readonly sessions: SessionStore;
  readonly apiTokens: ApiTokenStore;
  readonly jobs: JobStore;
  readonly outbox: OutboxStore;
}
