import type { Context } from '../../../platform/context.js';
import type { Principal } from '../domain/principal.js';
import { SESSION_TOUCH_MS, sessionExpiry } from '../domain/session-lifetime.js';
import { hashToken, isToken, SESSION_PREFIX } from '../domain/tokens.js';

export interface Authenticated {
  readonly principal: Principal;
  /** When what proved it ends, milliseconds since 1970; undefined for the anonymous. */
  readonly expiresAt?: number;
}

const NOBODY: Authenticated = { principal: { kind: 'anonymous' } };

/** Who holds this token; anonymous when it is unknown, ended or revoked. Using a session prolongs it, unless told not to. */
export async function authenticate(
  ctx: Pick<Context, 'clock' | 'unitOfWork'>,
  token: string | undefined,
  { prolong = true } = {},
): Promise<Authenticated> {
  if (token === undefined || !isToken(token)) return NOBODY;
  return token.startsWith(SESSION_PREFIX) ? bySession(ctx, token, prolong) : byApiToken(ctx, token);
}

async function bySession(
  ctx: Pick<Context, 'clock' | 'unitOfWork'>,
  token: string,
  prolong: boolean,
): Promise<Authenticated> {
  const now = ctx.clock.now();
  return ctx.unitOfWork.run(async (stores) => {
    const session = await stores.sessions.findByTokenHash(hashToken(token));
    if (session === undefined || now >= session.expiresAt || now >= session.endsAt) return NOBODY;
    const user = await stores.users.get(session.userId);
    if (user === undefined) return NOBODY;
    const expiresAt = prolong ? sessionExpiry(now, session.createdAt) : session.expiresAt;
    if (prolong && now - session.lastUsedAt >= SESSION_TOUCH_MS)
      await stores.sessions.touch(session.id, now, expiresAt);
    return { principal: { kind: 'user', userId: user.id, name: user.name, sessionId: session.id }, expiresAt };
  });
}

async function byApiToken(ctx: Pick<Context, 'clock' | 'unitOfWork'>, token: string): Promise<Authenticated> {
  return ctx.unitOfWork.run(async (stores) => {
    const found = await stores.apiTokens.findByTokenHash(hashToken(token));
    if (found === undefined || found.revokedAt !== undefined || ctx.clock.now() >= found.expiresAt) return NOBODY;
    const user = await stores.users.get(found.userId);
    if (user === undefined) return NOBODY;
    const ceiling = { role: found.role, scope: found.scope };
    return {
      principal: { kind: 'user', userId: user.id, name: user.name, tokenId: found.id, ceiling },
      expiresAt: found.expiresAt,
    };
  });
}
