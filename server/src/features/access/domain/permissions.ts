/** Everything that anyone can be allowed to do. A use case asks for exactly these. */
export const PERMISSIONS = [
  'subscription.read',
  'subscription.create',
  'region.read',
  'region.create',
  'vault.read',
  'vault.create',
  'vault.manage',
  'policy.read',
  'policy.create',
  'agent.read',
  'agent.enroll',
  'agent.revoke',
  'agent.configure',
  'item.read',
  'item.configure',
  'item.stop',
  'backup.run',
  'restore.read-source',
  'restore.write-target',
  'point.read',
  'point.browse',
  'point.delete',
  'job.read',
  'job.cancel',
  /** Only jobs that the caller started. */
  'job.cancel-own',
  'audit.read',
  'access.read',
  'access.manage',
  'user.create',
] as const;

export type Permission = (typeof PERMISSIONS)[number];

export const READ_PERMISSIONS: readonly Permission[] = [
  'subscription.read',
  'region.read',
  'vault.read',
  'policy.read',
  'agent.read',
  'item.read',
  'point.read',
  'job.read',
];

/** What outlives whoever was given it: no API token may do it, whatever its role. */
export const NOT_FOR_TOKENS: readonly Permission[] = ['access.manage', 'user.create'];
