import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import { parseName } from '../../../platform/names.js';
import { authorize } from '../authorize.js';
import type { Role } from '../domain/roles.js';
import { overlap } from '../domain/scope.js';
import { API_TOKEN_MAX_MS } from '../domain/session-lifetime.js';
import { API_TOKEN_PREFIX, formatToken, hashToken } from '../domain/tokens.js';
import type { ApiToken } from '../ports.js';
import { NOT_BY_TOKEN, Refusal } from '../refusal.js';
import { noSuchScope, resolveScope, type ScopeInput } from './resolve-scope.js';

export interface CreateApiTokenInput extends ScopeInput {
  readonly name: string;
  readonly role: Role;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Whoever may do nothing but look could make them without end. */
const MOST_TOKENS = 100;

/**
 * A token of the caller's own, narrowed to a role and a scope; what the user may do stays the limit. A token
 * makes no further tokens: one that leaked could outlive its revocation. Throws Validation for an expiry that is past or
 * over a year away.
 */
export async function createApiToken(
  ctx: Context,
  input: CreateApiTokenInput,
): Promise<{ apiToken: ApiToken; token: string }> {
  const { principal } = ctx;
  if (principal.kind !== 'user') throw notSignedIn();
  if (principal.tokenId !== undefined) {
    const entry = { action: 'createApiToken', outcome: 'REFUSED', reason: 'NOT_BY_TOKEN' } as const;
    return ctx.unitOfWork.run(() => Promise.reject(new Refusal(NOT_BY_TOKEN, ctx, entry)));
  }
  const now = ctx.clock.now();
  if (input.expiresAt <= now || input.expiresAt > now + API_TOKEN_MAX_MS) {
    throw new HoldfastError({
      kind: 'Validation',
      code: 'TOKEN_EXPIRY',
      message: 'A token ends in the future and within a year.',
    });
  }
  const name = parseName('A token', input.name);
  const token = formatToken(API_TOKEN_PREFIX, ctx.random.bytes(32));
  return ctx.unitOfWork.run(async (stores) => {
    // A session that ended while this call was under way must not leave a token behind.
    if (principal.sessionId !== undefined && !(await stores.sessions.exists(principal.sessionId))) throw notSignedIn();
    const scope = await resolveScope(stores, input);
    if (scope === undefined) throw noSuchScope();
    // A scope in which the user has no right at all would tell whether it exists.
    const grants = await stores.roleAssignments.ofUser(principal.userId);
    if (!grants.some((grant) => overlap(grant.scope, scope))) await authorize(ctx, stores, 'subscription.read', scope);
    if ((await stores.apiTokens.countGood(principal.userId, now)) >= MOST_TOKENS)
      throw new HoldfastError({
        kind: 'IllegalState',
        code: 'TOO_MANY_TOKENS',
        message: `A user has at most ${MOST_TOKENS} API tokens at a time: revoke one first.`,
      });
    const apiToken: ApiToken = {
      id: ctx.newId(),
      userId: principal.userId,
      name,
      tokenHash: hashToken(token),
      role: input.role,
      scope,
      createdAt: now,
      expiresAt: input.expiresAt,
    };
    await stores.apiTokens.insert(apiToken);
    await stores.audit.append(ctx, {
      action: 'createApiToken',
      outcome: 'SUCCEEDED',
      target: { type: 'ApiToken', id: apiToken.id },
    });
    return { apiToken, token };
  });
}

function notSignedIn(): HoldfastError {
  return new HoldfastError({ kind: 'Unauthenticated', code: 'NOT_SIGNED_IN', message: 'Sign in first.' });
}
