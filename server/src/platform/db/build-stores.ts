import type { Clock } from '@holdfast/core/clock';
import type { IdSource } from '@holdfast/core/ids';
import type { SqlEntityManager } from '@mikro-orm/sql';
import { MikroApiTokenStore } from '../../features/access/persistence/mikro-api-token-store.js';
import { MikroRoleAssignmentStore } from '../../features/access/persistence/mikro-role-assignment-store.js';
import { MikroSessionStore } from '../../features/access/persistence/mikro-session-store.js';
import { MikroUserStore } from '../../features/access/persistence/mikro-user-store.js';
import { MikroAgentStore } from '../../features/agents/persistence/mikro-agent-store.js';
import { MikroEnrollmentTokenStore } from '../../features/agents/persistence/mikro-enrollment-token-store.js';
import { MikroAuditStore } from '../../features/audit/persistence/mikro-audit-store.js';
import { MikroJobStore } from '../../features/jobs/persistence/mikro-job-store.js';
import { MikroOutboxStore } from '../../features/jobs/persistence/mikro-outbox-store.js';
import { MikroPolicyStore } from '../../features/policies/persistence/mikro-policy-store.js';
import { MikroProtectedItemStore } from '../../features/protected-items/persistence/mikro-protected-item-store.js';
import { MikroRecoveryPointStore } from '../../features/recovery-points/persistence/mikro-recovery-point-store.js';
import { MikroRegionStore } from '../../features/regions/persistence/mikro-region-store.js';
import type { Stores } from '../../features/stores.js';
import { MikroSubscriptionStore } from '../../features/subscriptions/persistence/mikro-subscription-store.js';
import { MikroServerIdentityStore } from '../../features/vaults/persistence/mikro-server-identity-store.js';
import { MikroVaultStore } from '../../features/vaults/persistence/mikro-vault-store.js';
import { MikroHandledMutationStore } from './mikro-handled-mutation-store.js';

export interface StorePorts {
  readonly clock: Clock;
  readonly newId: IdSource;
}

/** All features' stores over one transaction's entity manager. */
export function buildStores(em: SqlEntityManager, ports: StorePorts): Stores {
  return {
    audit: new MikroAuditStore(em, ports),
    handledMutations: new MikroHandledMutationStore(em),
    agents: new MikroAgentStore(em),
    enrollmentTokens: new MikroEnrollmentTokenStore(em),
    jobs: new MikroJobStore(em, ports),
    outbox: new MikroOutboxStore(em),
    users: new MikroUserStore(em),
    roleAssignments: new MikroRoleAssignmentStore(em),
    sessions: new MikroSessionStore(em),
    apiTokens: new MikroApiTokenStore(em),
    subscriptions: new MikroSubscriptionStore(em),
    regions: new MikroRegionStore(em),
    serverIdentity: new MikroServerIdentityStore(em),
    vaults: new MikroVaultStore(em, ports),
    policies: new MikroPolicyStore(em),
    protectedItems: new MikroProtectedItemStore(em),
    recoveryPoints: new MikroRecoveryPointStore(em),
  };
}
