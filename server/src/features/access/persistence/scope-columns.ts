import type { Scope } from '../domain/scope.js';

export interface ScopeColumns {
  subscriptionId: string | null;
  vaultId: string | null;
}

export function toColumns(scope: Scope): ScopeColumns {
  return { subscriptionId: scope.subscriptionId ?? null, vaultId: scope.vaultId ?? null };
}

export function toScope(row: ScopeColumns): Scope {
  return {
    ...(row.subscriptionId === null ? {} : { subscriptionId: row.subscriptionId }),
    ...(row.vaultId === null ? {} : { vaultId: row.vaultId }),
  };
}
