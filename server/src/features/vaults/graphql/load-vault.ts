import type { GraphqlContext } from '../../../platform/graphql/graphql-context.js';
import type { VaultTotals } from '../../recovery-points/ports.js';
import { presentVault, type VaultType } from './vault.type.js';

/** The vault that an object which the caller may see refers to. */
export async function loadVault(ctx: GraphqlContext, vaultId: string): Promise<VaultType | null> {
  const vault = await ctx.loaders.load('vault', vaultId, (stores, ids) => stores.vaults.getMany(ids));
  return vault === undefined ? null : presentVault(vault);
}

export async function loadVaultTotals(ctx: GraphqlContext, vaultId: string): Promise<VaultTotals> {
  const found = await ctx.loaders.load('vaultTotals', vaultId, async (stores, ids) => {
    const totals = await stores.recoveryPoints.totalsOfVaults(ids);
    return [...totals].map(([id, each]) => ({ id, ...each }));
  });
  return found ?? { recoveryPoints: 0, storedBytes: 0n };
}
