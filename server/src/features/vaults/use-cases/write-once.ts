import type { NamedObject } from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';

/**
 * Makes an object of a vault durable. May be called again with the same bytes; throws Conflict when the store has
 * other bytes under the name, for then someone else believes to own the vault.
 */
export async function writeOnce(
  ctx: Context,
  vault: { readonly id: string; readonly storeUrl: string },
  object: NamedObject,
): Promise<void> {
  const ref = { vaultId: vault.id, storeUrl: vault.storeUrl };
  if (await ctx.services.gateway.putObject(ref, object.name, object.bytes)) return;
  const there = await ctx.services.gateway.getObject(ref, object.name);
  if (there.equals(object.bytes)) return;
  throw new HoldfastError({
    kind: 'Conflict',
    code: 'VAULT_HAS_ANOTHER_OWNER',
    message: `The vault's store has another ${object.name} than this server's: another server, or a newer catalog, has written there.`,
    details: { vault: vault.id, object: object.name },
  });
}
