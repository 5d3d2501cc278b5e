import { NOT_FOR_TOKENS, type Permission, READ_PERMISSIONS } from './permissions.js';
import type { Principal } from './principal.js';
import { type Role, roleGrants } from './roles.js';
import { contains, type Scope } from './scope.js';

/** A role that a user has in a scope. */
export interface Grant {
  readonly role: Role;
  readonly scope: Scope;
}

export type Verdict = 'allowed' | 'forbidden' | 'hidden' | 'unauthenticated';

/** What the other side of a mutual TLS connection may ask of use cases; finer checks (whose job?) are theirs. */
const AGENT: ReadonlySet<Permission> = new Set<Permission>(['job.read', 'item.read', 'point.read']);
const GATEWAY: ReadonlySet<Permission> = new Set<Permission>(['job.read', 'item.read', 'point.read', 'vault.read']);

/** Deny by default: only a grant whose scope contains the asked one, under the token's ceiling, allows. */
export function decide(principal: Principal, grants: readonly Grant[], permission: Permission, scope: Scope): Verdict {
  switch (principal.kind) {
    case 'anonymous':
      return 'unauthenticated';
    case 'system':
      return 'allowed';
    case 'agent':
      return AGENT.has(permission) ? 'allowed' : 'forbidden';
    case 'gateway':
      return GATEWAY.has(permission) ? 'allowed' : 'forbidden';
    case 'user':
      return decideForUser(principal.ceiling, grants, permission, scope);
  }
}

function decideForUser(
  ceiling: Grant | undefined,
  grants: readonly Grant[],
  permission: Permission,
  scope: Scope,
): Verdict {
  const withinToken = (wanted: Permission): boolean =>
    ceiling === undefined || (!NOT_FOR_TOKENS.includes(wanted) && covers(ceiling, wanted, scope));
  const has = (wanted: Permission): boolean =>
    grants.some((grant) => covers(grant, wanted, scope)) && withinToken(wanted);
  if (has(permission)) return 'allowed';
  // Whoever can read anything in the scope knows that it exists; the server as a whole is no secret.
  const knows = scope.subscriptionId === undefined || READ_PERMISSIONS.some(has);
  return knows ? 'forbidden' : 'hidden';
}

function covers(grant: Grant, permission: Permission, scope: Scope): boolean {
  return roleGrants(grant.role, permission) && contains(grant.scope, scope);
}
