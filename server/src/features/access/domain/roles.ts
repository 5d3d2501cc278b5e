import { PERMISSIONS, type Permission, READ_PERMISSIONS } from './permissions.js';

export const ROLES = ['OWNER', 'BACKUP_CONTRIBUTOR', 'BACKUP_OPERATOR', 'RESTORE_OPERATOR', 'BACKUP_READER'] as const;
export type Role = (typeof ROLES)[number];

const NOT_FOR_CONTRIBUTORS: readonly Permission[] = ['access.read', 'access.manage', 'user.create', 'audit.read'];
const RESTORE: readonly Permission[] = ['restore.read-source', 'restore.write-target', 'point.browse'];

const GRANTS: Readonly<Record<Role, ReadonlySet<Permission>>> = {
  OWNER: new Set(PERMISSIONS),
  BACKUP_CONTRIBUTOR: new Set(PERMISSIONS.filter((each) => !NOT_FOR_CONTRIBUTORS.includes(each))),
  BACKUP_OPERATOR: new Set([
    ...READ_PERMISSIONS,
    ...RESTORE,
    'item.configure',
    'backup.run',
    'job.cancel',
    'job.cancel-own',
  ]),
  RESTORE_OPERATOR: new Set([...READ_PERMISSIONS, ...RESTORE, 'job.cancel-own']),
  BACKUP_READER: new Set(READ_PERMISSIONS),
};

export function roleGrants(role: Role, permission: Permission): boolean {
  return GRANTS[role].has(permission);
}
