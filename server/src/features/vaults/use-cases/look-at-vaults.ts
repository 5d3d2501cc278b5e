import { asHoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import type { VaultService, VaultStoreRef } from '../../../platform/gateway-client.js';

/**
 * Whether vaults are in service, in the order given, for callers that may see them. A gateway that does not answer
 * serves none: that is an answer too, and no reason to show no vaults.
 */
export async function lookAtVaults(
  ctx: Pick<Context, 'services' | 'log'>,
  vaults: readonly VaultStoreRef[],
): Promise<VaultService[]> {
  if (vaults.length === 0) return [];
  try {
    return await ctx.services.gateway.describeVaults(vaults);
  } catch (thrown) {
    const { code, message } = asHoldfastError(thrown);
    ctx.log.warn({ code, reason: message }, 'vaults.not_described');
    return vaults.map(() => ({
      state: 'OUT_OF_SERVICE',
      reason: 'GATEWAY_UNREACHABLE',
      message:
        'The gateway, which serves the vault, does not answer; a gateway that was restarted comes back by itself.',
    }));
  }
}
