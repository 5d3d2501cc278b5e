import type { Context } from '../../../platform/context.js';
import { isLow } from '../domain/low-space.js';
import { listVaultStores } from './list-vault-stores.js';
import { lookAtVaults } from './look-at-vaults.js';

/** What of the server's vaults is not as it should be: `vaults` where one is not in service, `space` where a store is low on it. */
export async function whatIsDegraded(ctx: Context): Promise<string[]> {
  const services = await lookAtVaults(ctx, await listVaultStores(ctx));
  const isServed = services.every(({ state }) => state === 'IN_SERVICE');
  const hasRoom = services.every(
    (each) => each.state !== 'IN_SERVICE' || each.space === undefined || !isLow(each.space),
  );
  return [...(isServed ? [] : ['vaults']), ...(hasRoom ? [] : ['space'])];
}
