import type { Clock } from '@holdfast/core/clock';
import type { IdSource } from '@holdfast/core/ids';
import type { SqlEntityManager } from '@mikro-orm/sql';
import { MikroApiTokenStore } from './features/access/persistence/mikro-api-token-store.js';
import { MikroRoleAssignmentStore } from './features/access/persistence/mikro-role-assignment-store.js';
import { MikroSessionStore } from './features/access/persistence/mikro-session-store.js';
import { MikroUserStore } from './features/access/persistence/mikro-user-store.js';
import { MikroAuditStore } from './features/audit/persistence/mikro-audit-store.js';
import type { Stores } from './features/stores.js';

export interface StorePorts {
  readonly clock: Clock;
  readonly newId: IdSource;
}

/** All features' stores over one transaction's entity manager. */
export function buildStores(em: SqlEntityManager, ports: StorePorts): Stores {
  return {
    audit: new MikroAuditStore(em, ports),
    users: new MikroUserStore(em),
    roleAssignments: new MikroRoleAssignmentStore(em),
    sessions: new MikroSessionStore(em),
    apiTokens: new MikroApiTokenStore(em),
  };
}
