import { createSigner } from '@holdfast/core/engine';
import type { Context } from '../../../platform/context.js';
import type { Stores } from '../../stores.js';
import type { ServerIdentity } from '../ports.js';

/**
 * Who this server is to its vaults, made at the first start. Of two replicas that start at once one makes it, and
 * both use it.
 */
export async function ensureServerIdentity(ctx: Context): Promise<ServerIdentity> {
  return ctx.unitOfWork.run(async (stores) => {
    const known = await stores.serverIdentity.get();
    if (known) return known;
    const serverId = ctx.newId();
    const seed = ctx.random.bytes(32);
    const identity: ServerIdentity = {
      serverId,
      signingPublicKey: createSigner(seed).publicKey,
      sealedSigningKey: ctx.services.keys.sealSigningKey(serverId, seed),
    };
    await stores.serverIdentity.insert(identity);
    return identity;
  });
}

/** Throws IllegalState before the first start made one. */
export async function serverIdentity(stores: Stores): Promise<ServerIdentity> {
  const identity = await stores.serverIdentity.get();
  if (!identity) throw new Error('the server has no identity: ensureServerIdentity runs at start');
  return identity;
}
