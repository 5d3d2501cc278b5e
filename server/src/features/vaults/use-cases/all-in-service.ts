import type { Context } from '../../../platform/context.js';
import { listVaultStores } from './list-vault-stores.js';
import { lookAtVaults } from './look-at-vaults.js';

/** Whether every vault of the server is in service. */
export async function allInService(ctx: Context): Promise<boolean> {
  const services = await lookAtVaults(ctx, await listVaultStores(ctx));
  return services.every(({ state }) => state === 'IN_SERVICE');
}
