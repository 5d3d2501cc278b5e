import DataLoader from 'dataloader';
import type { VaultService, VaultStoreRef } from '../../../platform/gateway-client.js';
import type { GraphqlContext } from '../../../platform/graphql/graphql-context.js';
import { lookAtVaults } from '../use-cases/look-at-vaults.js';

const loaders = new WeakMap<GraphqlContext, DataLoader<VaultStoreRef, VaultService>>();

/** Batched over one tick, so that the gateway is asked once for a list, and never remembered: it changes. */
export function loadVaultService(ctx: GraphqlContext, vault: VaultStoreRef): Promise<VaultService> {
  let loader = loaders.get(ctx);
  if (loader === undefined) {
    loader = new DataLoader((vaults: readonly VaultStoreRef[]) => lookAtVaults(ctx, vaults), {
      cache: false,
      maxBatchSize: 500,
    });
    loaders.set(ctx, loader);
  }
  return loader.load(vault);
}
