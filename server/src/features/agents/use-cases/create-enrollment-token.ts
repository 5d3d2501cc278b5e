import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import { parseName } from '../../../platform/names.js';
import { authorize } from '../../access/authorize.js';
import { requester } from '../../jobs/use-cases/enqueue-job.js';
import type { Stores } from '../../stores.js';
import { noSuchThing } from '../../vaults/use-cases/require-vault.js';
import { formatEnrollmentToken, SECRET_BYTES, TOKEN_LIFETIME_MS } from '../domain/enrollment-token.js';
import { hashSecret } from './hash-secret.js';

export interface CreatedEnrollmentToken {
  /** Shown once; only its hash is kept. */
  readonly token: string;
  readonly expiresAt: number;
  /** host:port of the enrolment listener. */
  readonly serverAddress: string;
}

/** A token that enrols one agent under this name, once, within a quarter of an hour. */
export async function createEnrollmentToken(
  ctx: Context,
  input: { readonly subscriptionId: string; readonly agentName: string },
): Promise<CreatedEnrollmentToken> {
  const agentName = parseName('An agent', input.agentName);
  const secret = ctx.random.bytes(SECRET_BYTES);
  const { authority, addresses } = ctx.services.agents;
  const expiresAt = ctx.clock.now() + TOKEN_LIFETIME_MS;
  await ctx.unitOfWork.run(async (stores) => {
    await authorize(ctx, stores, 'agent.enroll', { subscriptionId: input.subscriptionId });
    if ((await stores.subscriptions.get(input.subscriptionId)) === undefined) throw noSuchThing();
    await requireFreeName(stores, input.subscriptionId, agentName);
    const id = ctx.newId();
    await stores.enrollmentTokens.insert({
      id,
      secretHash: hashSecret(secret),
      subscriptionId: input.subscriptionId,
      agentName,
      createdBy: requester(ctx),
      createdAt: ctx.clock.now(),
      expiresAt,
    });
    await stores.audit.append(ctx, {
      action: 'createEnrollmentToken',
      target: { type: 'Subscription', id: input.subscriptionId },
      outcome: 'SUCCEEDED',
    });
  });
  return {
    token: formatEnrollmentToken(secret, authority.fingerprint),
    expiresAt,
    serverAddress: addresses.enrollment,
  };
}

/** Agents of one subscription that are not revoked have different names. Throws Conflict. */
export async function requireFreeName(stores: Stores, subscriptionId: string, name: string): Promise<void> {
  if ((await stores.agents.findByName(subscriptionId, name)) === undefined) return;
  throw new HoldfastError({
    kind: 'Conflict',
    code: 'AGENT_NAME_TAKEN',
    message: `An agent named ${name} exists in this subscription.`,
  });
}
