import { HoldfastError } from '@holdfast/core/errors';
import type { Stores } from '../../stores.js';
import { type Scope, SERVER } from '../domain/scope.js';

export interface ScopeInput {
  readonly subscriptionId?: string;
  readonly vaultId?: string;
}

/** The scope that at most one id names; a vault brings its subscription. Undefined when there is no such thing. Throws Validation for both. */
export async function resolveScope(stores: Stores, input: ScopeInput): Promise<Scope | undefined> {
  if (input.subscriptionId !== undefined && input.vaultId !== undefined) {
    throw new HoldfastError({
      kind: 'Validation',
      code: 'ONE_SCOPE',
      message: 'Give a subscription or a vault, not both.',
    });
  }
  if (input.vaultId !== undefined) {
    const vault = await stores.vaults.get(input.vaultId);
    return vault === undefined ? undefined : { subscriptionId: vault.subscriptionId, vaultId: vault.id };
  }
  if (input.subscriptionId !== undefined) {
    const subscription = await stores.subscriptions.get(input.subscriptionId);
    return subscription === undefined ? undefined : { subscriptionId: subscription.id };
  }
  return SERVER;
}

export function noSuchScope(): HoldfastError {
  return new HoldfastError({
    kind: 'NotFound',
    code: 'NOT_FOUND',
    message: 'There is no such thing, or you may not see it.',
  });
}
