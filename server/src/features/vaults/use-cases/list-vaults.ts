import type { Context } from '../../../platform/context.js';
import type { Page, PageRequest } from '../../../platform/page.js';
import { visibleScopes } from '../../access/authorize.js';
import type { Vault } from '../domain/vault.js';
import type { VaultFilter } from '../ports.js';

export async function listVaults(ctx: Context, filter: VaultFilter, page: PageRequest): Promise<Page<Vault>> {
  return ctx.unitOfWork.run(async (stores) =>
    stores.vaults.list(await visibleScopes(ctx, stores, 'vault.read'), filter, page),
  );
}
