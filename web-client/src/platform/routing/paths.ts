/** Addresses of pages inside Backup Center. Ids are opaque: they are encoded. */
export const paths = {
  overview: '/',
  protectedItems: '/protected-items',
  protectedItem: (id: string) => `/protected-items/${encodeURIComponent(id)}`,
  jobs: '/jobs',
  job: (id: string) => `/jobs/${encodeURIComponent(id)}`,
  recoveryPoint: (id: string) => `/recovery-points/${encodeURIComponent(id)}`,
  agents: '/agents',
  vaults: '/vaults',
  policies: '/policies',
} as const;
