import type { Context } from '../../../platform/context.js';
import { tooFast } from '../../../platform/pace.js';
import { requireLiveAgent } from './require-live-agent.js';

export interface RenewedCertificate {
  readonly certificateChain: string;
  readonly caCertificate: string;
}

/** A new certificate for the agent that calls, for the key in its request. Throws Forbidden for a revoked agent, Validation for a bad request, RateLimited. */
export async function renewCertificate(
  ctx: Context,
  input: { readonly certificateRequest: Uint8Array },
): Promise<RenewedCertificate> {
  const { authority, renewals } = ctx.services.agents;
  const { id } = await ctx.unitOfWork.run((stores) => requireLiveAgent(ctx, stores, 'renewCertificate'));
  if (!renewals.allows(id)) throw tooFast();
  const { certificateChain } = await authority.certify(input.certificateRequest, { identity: { role: 'agent', id } });
  await ctx.unitOfWork.run(async (stores) => {
    await requireLiveAgent(ctx, stores, 'renewCertificate');
    await stores.audit.append(ctx, { action: 'renewCertificate', target: { type: 'Agent', id }, outcome: 'SUCCEEDED' });
  });
  return { certificateChain, caCertificate: authority.certificate };
}
