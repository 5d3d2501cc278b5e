import { asHoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import { Refusal } from '../../access/refusal.js';
import type { Stores } from '../../stores.js';
import type { Agent, EnrollmentToken, HostFacts } from '../domain/agent.js';
import { tidyHostFacts } from '../domain/agent.js';
import { parseEnrollmentToken, TOKEN_REFUSED } from '../domain/enrollment-token.js';
import { requireFreeName } from './create-enrollment-token.js';
import { hashSecret } from './hash-secret.js';

export interface EnrollAgentInput {
  readonly token: string;
  /** PKCS #10, DER. */
  readonly certificateRequest: Uint8Array;
  readonly host: HostFacts;
}

export interface EnrolledAgent {
  readonly agent: Agent;
  readonly certificateChain: string;
  readonly caCertificate: string;
  readonly controlAddress: string;
}

/**
 * A token for a certificate. Throws Unauthenticated for a token that is unknown, used or expired, always with the
 * same words (the audit log tells which), Validation for a bad request, RateLimited after too many failures.
 */
export async function enrollAgent(ctx: Context, input: EnrollAgentInput): Promise<EnrolledAgent> {
  const { attempts } = ctx.services.agents;
  const hash = hashSecret(parseEnrollmentToken(input.token).secret);
  attempts.check(ctx.address, hash);
  try {
    return await enroll(ctx, input, hash);
  } catch (error) {
    if (asHoldfastError(error).kind === 'Unauthenticated') attempts.failed(ctx.address, hash);
    throw error;
  }
}

async function enroll(ctx: Context, input: EnrollAgentInput, hash: string): Promise<EnrolledAgent> {
  const { authority, addresses } = ctx.services.agents;
  await ctx.unitOfWork.run((stores) => requireToken(ctx, stores, hash));
  const id = ctx.newId();
  // Before the token is used: a bad request must not cost it.
  const { certificateChain } = await authority.certify(input.certificateRequest, { identity: { role: 'agent', id } });
  const agent = await ctx.unitOfWork.run(async (stores) => {
    const token = await requireToken(ctx, stores, hash);
    if (!(await stores.enrollmentTokens.use(token.id, ctx.clock.now()))) throw refused(ctx, 'TOKEN_USED', token);
    await requireFreeName(stores, token.subscriptionId, token.agentName);
    const made: Agent = {
      id,
      subscriptionId: token.subscriptionId,
      name: token.agentName,
      host: tidyHostFacts(input.host),
      capabilities: [],
      bandwidth: { windows: [] },
      enrolledAt: ctx.clock.now(),
    };
    await stores.agents.insert(made);
    await stores.audit.append(ctx, { action: 'enrollAgent', target: { type: 'Agent', id }, outcome: 'SUCCEEDED' });
    return made;
  });
  return { agent, certificateChain, caCertificate: authority.certificate, controlAddress: addresses.control };
}

async function requireToken(ctx: Context, stores: Stores, hash: string): Promise<EnrollmentToken> {
  const token = await stores.enrollmentTokens.findByHash(hash);
  if (token === undefined) throw refused(ctx, 'TOKEN_UNKNOWN');
  if (token.usedAt !== undefined) throw refused(ctx, 'TOKEN_USED', token);
  if (token.expiresAt <= ctx.clock.now()) throw refused(ctx, 'TOKEN_EXPIRED', token);
  return token;
}

function refused(ctx: Context, reason: string, token?: EnrollmentToken): Refusal {
  const target = token === undefined ? {} : { target: { type: 'Subscription', id: token.subscriptionId } };
  return new Refusal(TOKEN_REFUSED, ctx, { action: 'enrollAgent', outcome: 'REFUSED', reason, ...target });
}
