import type { HandledMutationStore } from '../platform/idempotency/ports.js';
import type { ApiTokenStore, RoleAssignmentStore, SessionStore, UserStore } from './access/ports.js';
import type { AgentStore, EnrollmentTokenStore } from './agents/ports.js';
import type { AuditStore } from './audit/ports.js';
import type { JobStore, OutboxStore } from './jobs/ports.js';
import type { PolicyStore } from './policies/ports.js';
import type { ProtectedItemStore } from './protected-items/ports.js';
import type { RecoveryPointStore } from './recovery-points/ports.js';
import type { RegionStore } from './regions/ports.js';
import type { SubscriptionStore } from './subscriptions/ports.js';
import type { ServerIdentityStore, VaultStore } from './vaults/ports.js';

/** The stores of all features over one transaction. Each feature adds its line here and in build-stores.ts. */
export interface Stores {
  readonly audit: AuditStore;
  readonly handledMutations: HandledMutationStore;
  readonly users: UserStore;
  readonly roleAssignments: RoleAssignmentStore;
  readonly sessions: SessionStore;
  readonly apiTokens: ApiTokenStore;
  readonly subscriptions: SubscriptionStore;
  readonly regions: RegionStore;
  readonly agents: AgentStore;
  readonly enrollmentTokens: EnrollmentTokenStore;
  readonly jobs: JobStore;
  readonly outbox: OutboxStore;
  readonly serverIdentity: ServerIdentityStore;
  readonly vaults: VaultStore;
  readonly policies: PolicyStore;
  readonly protectedItems: ProtectedItemStore;
  readonly recoveryPoints: RecoveryPointStore;
}
