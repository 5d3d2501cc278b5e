import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, type Grant } from './decide-access.js';
import { PERMISSIONS, type Permission } from './permissions.js';
import type { Principal } from './principal.js';
import { ROLES, type Role, roleGrants } from './roles.js';
import { contains, type Scope } from './scope.js';

const ann = (ceiling?: Grant): Principal => ({
  kind: 'user',
  userId: 'u',
  name: 'ann',
  ...(ceiling === undefined ? {} : { ceiling }),
});
const S1: Scope = { subscriptionId: 's1' };
const S2: Scope = { subscriptionId: 's2' };
const V1: Scope = { subscriptionId: 's1', vaultId: 'v1' };
const V2: Scope = { subscriptionId: 's1', vaultId: 'v2' };
const SERVER: Scope = {};

describe('the built-in roles', () => {
  const table: Record<Permission, string> = {
    // OWNER, BACKUP_CONTRIBUTOR, BACKUP_OPERATOR, RESTORE_OPERATOR, BACKUP_READER
    'subscription.read': 'OCORB',
    'subscription.create': 'OC...',
    'region.read': 'OCORB',
    'region.create': 'OC...',
    'vault.read': 'OCORB',
    'vault.create': 'OC...',
    'vault.manage': 'OC...',
    'policy.read': 'OCORB',
    'policy.create': 'OC...',
    'agent.read': 'OCORB',
    'agent.enroll': 'OC...',
    'agent.revoke': 'OC...',
    'agent.configure': 'OC...',
    'item.read': 'OCORB',
    'item.configure': 'OCO..',
    'item.stop': 'OC...',
    'backup.run': 'OCO..',
    'restore.read-source': 'OCOR.',
    'restore.write-target': 'OCOR.',
    'point.read': 'OCORB',
    'point.browse': 'OCOR.',
    'point.delete': 'OC...',
    'job.read': 'OCORB',
    'job.cancel': 'OCO..',
    'job.cancel-own': 'OCOR.',
    'audit.read': 'O....',
    'access.read': 'O....',
    'access.manage': 'O....',
    'user.create': 'O....',
  };

  it.each(PERMISSIONS)('give %s to exactly those that the table names', (permission) => {
    expect(ROLES.map((role) => (roleGrants(role, permission) ? 'x' : '.')).join('')).toBe(
      table[permission].replaceAll(/[A-Z]/g, 'x'),
    );
  });
});

describe('a decision about access', () => {
  it.each<[string, Grant[], Grant | undefined, Permission, Scope, string]>([
    ['no grant', [], undefined, 'vault.read', V1, 'hidden'],
    ['no grant, server', [], undefined, 'user.create', SERVER, 'forbidden'],
    ['on the server', [{ role: 'OWNER', scope: SERVER }], undefined, 'point.delete', V1, 'allowed'],
    ['on the subscription', [{ role: 'BACKUP_OPERATOR', scope: S1 }], undefined, 'backup.run', V1, 'allowed'],
    ['on another subscription', [{ role: 'OWNER', scope: S2 }], undefined, 'vault.read', V1, 'hidden'],
    ['on the vault', [{ role: 'BACKUP_OPERATOR', scope: V1 }], undefined, 'backup.run', V1, 'allowed'],
    ['on the vault beside', [{ role: 'OWNER', scope: V1 }], undefined, 'backup.run', V2, 'hidden'],
    ['on a vault, for its subscription', [{ role: 'OWNER', scope: V1 }], undefined, 'vault.create', S1, 'hidden'],
    ['reads only', [{ role: 'BACKUP_READER', scope: S1 }], undefined, 'point.browse', V1, 'forbidden'],
    [
      'two grants',
      [
        { role: 'BACKUP_READER', scope: S1 },
        { role: 'RESTORE_OPERATOR', scope: V1 },
      ],
      undefined,
      'point.browse',
      V1,
      'allowed',
    ],
    [
      'token under its role',
      [{ role: 'OWNER', scope: SERVER }],
      { role: 'BACKUP_READER', scope: SERVER },
      'backup.run',
      V1,
      'forbidden',
    ],
    [
      'token under its scope',
      [{ role: 'OWNER', scope: SERVER }],
      { role: 'OWNER', scope: S1 },
      'vault.read',
      S2,
      'hidden',
    ],
    [
      'token above its user',
      [{ role: 'BACKUP_READER', scope: S1 }],
      { role: 'OWNER', scope: SERVER },
      'backup.run',
      V1,
      'forbidden',
    ],
    [
      'a token, for what outlives tokens',
      [{ role: 'OWNER', scope: SERVER }],
      { role: 'OWNER', scope: SERVER },
      'access.manage',
      S1,
      'forbidden',
    ],
    [
      'a token, for users',
      [{ role: 'OWNER', scope: SERVER }],
      { role: 'OWNER', scope: SERVER },
      'user.create',
      SERVER,
      'forbidden',
    ],
    [
      'a token, for what it may see',
      [{ role: 'OWNER', scope: SERVER }],
      { role: 'OWNER', scope: SERVER },
      'access.read',
      SERVER,
      'allowed',
    ],
  ])('%s', (_, grants, ceiling, permission, scope, verdict) => {
    expect(decide(ann(ceiling), grants, permission, scope)).toBe(verdict);
  });

  it('is no for whoever is not a user: agents and gateways have their own few rights', () => {
    expect(decide({ kind: 'anonymous' }, [], 'vault.read', V1)).toBe('unauthenticated');
    expect(decide({ kind: 'agent', agentId: 'a' }, [], 'vault.read', V1)).toBe('forbidden');
    expect(decide({ kind: 'gateway', gatewayId: 'g' }, [], 'point.delete', V1)).toBe('forbidden');
  });

  const scope = fc.constantFrom(SERVER, S1, S2, V1, V2);
  const grant = fc.record({ role: fc.constantFrom<Role>(...ROLES), scope });

  it('never allows under a ceiling what it refuses without one, nor less by one more grant', () => {
    fc.assert(
      fc.property(
        fc.array(grant, { maxLength: 4 }),
        grant,
        fc.constantFrom(...PERMISSIONS),
        scope,
        (grants, extra, permission, asked) => {
          const free = decide(ann(), grants, permission, asked);
          if (decide(ann(extra), grants, permission, asked) === 'allowed') expect(free).toBe('allowed');
          if (free === 'allowed') expect(decide(ann(), [...grants, extra], permission, asked)).toBe('allowed');
          if (free === 'allowed') expect(grants.some((each) => contains(each.scope, asked))).toBe(true);
        },
      ),
    );
  });
});
