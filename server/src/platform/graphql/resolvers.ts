import type { ClassType } from 'type-graphql';
import {
  AccessResolver,
  RoleAssignmentResolver,
  RoleScopeResolver,
} from '../../features/access/graphql/access.resolver.js';
import { presentApiToken, presentRoleAssignment, presentUser } from '../../features/access/graphql/access.types.js';
import { getApiToken, getRoleAssignment, getUser } from '../../features/access/use-cases/get-access-node.js';
import { AgentResolver } from '../../features/agents/graphql/agent.resolver.js';
import { presentAgent } from '../../features/agents/graphql/agent.type.js';
import { getAgent } from '../../features/agents/use-cases/get-agent.js';
import { AuditEventResolver } from '../../features/audit/graphql/audit-event.resolver.js';
import { presentAuditEvent } from '../../features/audit/graphql/audit-event.type.js';
import { getAuditEvent } from '../../features/audit/use-cases/get-audit-event.js';
import { JobResolver } from '../../features/jobs/graphql/job.resolver.js';
import { presentJob } from '../../features/jobs/graphql/job.type.js';
import { getJob } from '../../features/jobs/use-cases/get-job.js';
import { PolicyResolver } from '../../features/policies/graphql/policy.resolver.js';
import { presentPolicy } from '../../features/policies/graphql/policy.type.js';
import { getPolicy } from '../../features/policies/use-cases/get-policy.js';
import {
  JobSubjectResolver,
  ProtectedItemResolver,
} from '../../features/protected-items/graphql/protected-item.resolver.js';
import { presentProtectedItem } from '../../features/protected-items/graphql/protected-item.type.js';
import { getProtectedItem } from '../../features/protected-items/use-cases/get-protected-item.js';
import { RecoveryPointResolver } from '../../features/recovery-points/graphql/recovery-point.resolver.js';
import { presentRecoveryPoint } from '../../features/recovery-points/graphql/recovery-point.type.js';
import { getRecoveryPoint } from '../../features/recovery-points/use-cases/get-recovery-point.js';
import { RegionResolver, ZoneResolver } from '../../features/regions/graphql/region.resolver.js';
import { presentRegion } from '../../features/regions/graphql/region.type.js';
import { getRegion } from '../../features/regions/use-cases/get-region.js';
import { RestoreResolver } from '../../features/restores/graphql/restore.resolver.js';
import { SetupResolver } from '../../features/setup/graphql/setup.resolver.js';
import { SubscriptionResolver } from '../../features/subscriptions/graphql/subscription.resolver.js';
import { presentSubscription } from '../../features/subscriptions/graphql/subscription.type.js';
import { getSubscription } from '../../features/subscriptions/use-cases/get-subscription.js';
import { RoleScopeVaultResolver, VaultResolver } from '../../features/vaults/graphql/vault.resolver.js';
import { presentVault } from '../../features/vaults/graphql/vault.type.js';
import { getVault } from '../../features/vaults/use-cases/get-vault.js';
import { type NodeLoader, nodeLoader } from './node.js';

/** Every resolver class. Each feature adds its own. */
export const RESOLVERS: readonly ClassType[] = [
  AccessResolver,
  AgentResolver,
  AuditEventResolver,
  JobResolver,
  JobSubjectResolver,
  PolicyResolver,
  ProtectedItemResolver,
  RecoveryPointResolver,
  RegionResolver,
  RestoreResolver,
  RoleAssignmentResolver,
  RoleScopeResolver,
  RoleScopeVaultResolver,
  SetupResolver,
  SubscriptionResolver,
  VaultResolver,
  ZoneResolver,
];

/** How `node(id)` finds an object of each type; each calls the use case that authorises. Each feature adds its own. */
export const NODE_LOADERS: readonly NodeLoader[] = [
  nodeLoader('Agent', getAgent, (agent, ctx) => presentAgent(agent, ctx.services.agents.connections)),
  nodeLoader('ApiToken', getApiToken, presentApiToken),
  nodeLoader('AuditEvent', getAuditEvent, presentAuditEvent),
  nodeLoader('Job', getJob, presentJob),
  nodeLoader('Policy', getPolicy, presentPolicy),
  nodeLoader('ProtectedItem', getProtectedItem, presentProtectedItem),
  nodeLoader('RecoveryPoint', getRecoveryPoint, presentRecoveryPoint),
  nodeLoader('Region', getRegion, presentRegion),
  nodeLoader('RoleAssignment', getRoleAssignment, presentRoleAssignment),
  nodeLoader('Subscription', getSubscription, presentSubscription),
  nodeLoader('User', getUser, presentUser),
  nodeLoader('Vault', getVault, presentVault),
];
