import type { FilterQuery } from '@mikro-orm/core';
import type { Scope } from '../../access/domain/scope.js';

/**
 * Rows inside any of the scopes, for tables with a subscription and a vault column. Undefined when no row can
 * be: the caller then asks nothing.
 */
export function withinScopes<Row extends object>(
  scopes: readonly Scope[],
  columns: { readonly subscription: keyof Row & string; readonly vault: keyof Row & string },
): FilterQuery<Row> | undefined {
  if (scopes.length === 0) return undefined;
  if (scopes.some((scope) => scope.subscriptionId === undefined && scope.vaultId === undefined)) return {};
  const vaults = scopes.flatMap((scope) => scope.vaultId ?? []);
  const subscriptions = scopes.flatMap((scope) =>
    scope.vaultId === undefined && scope.subscriptionId !== undefined ? [scope.subscriptionId] : [],
  );
  return {
    $or: [{ [columns.subscription]: { $in: subscriptions } }, { [columns.vault]: { $in: vaults } }],
  } as unknown as FilterQuery<Row>;
}
