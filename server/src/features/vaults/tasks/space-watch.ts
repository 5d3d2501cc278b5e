import type { Context } from '../../../platform/context.js';
import { isLow } from '../domain/low-space.js';
import { listVaultStores } from '../use-cases/list-vault-stores.js';
import { lookAtVaults } from '../use-cases/look-at-vaults.js';

/** Tells the log once when the store of a vault becomes low on space, and once when it has room again. */
export class SpaceWatch {
  private readonly low = new Set<string>();

  async look(ctx: Context): Promise<void> {
    const vaults = await listVaultStores(ctx);
    const services = await lookAtVaults(ctx, vaults);
    for (const [place, { vaultId }] of vaults.entries()) {
      const service = services[place];
      // What cannot be told now is as it was.
      if (service?.state !== 'IN_SERVICE' || service.space === undefined) continue;
      const { space } = service;
      const facts = { vaultId, freeBytes: Number(space.free), totalBytes: Number(space.total) };
      if (!isLow(space)) {
        if (this.low.delete(vaultId)) ctx.log.info(facts, 'vault.space_enough');
      } else if (!this.low.has(vaultId)) {
        this.low.add(vaultId);
        ctx.log.warn(facts, 'vault.space_low');
      }
    }
  }
}
