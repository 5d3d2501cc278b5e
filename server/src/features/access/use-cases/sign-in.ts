import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import type { Stores } from '../../stores.js';
import { SESSION_MAX_MS, sessionExpiry } from '../domain/session-lifetime.js';
import { formatToken, hashToken, SESSION_PREFIX } from '../domain/tokens.js';
import { foldName } from '../domain/user-name.js';
import type { Session, User } from '../ports.js';
import { Refusal } from '../refusal.js';

export interface SignedIn {
  readonly user: User;
  readonly session: Session;
  /** Given out once; the database knows its SHA-256. */
  readonly token: string;
}

const WRONG_CREDENTIALS = {
  kind: 'Unauthenticated',
  code: 'WRONG_CREDENTIALS',
  message: 'The name or the password is wrong.',
} as const;

/** Anyone may try. An unknown name and a wrong password look the same and take the same time. Throws Unauthenticated, RateLimited. */
export async function signIn(
  ctx: Context,
  input: { readonly name: string; readonly password: string },
): Promise<SignedIn> {
  const { passwords, attempts } = ctx.services.access;
  const name = foldName(input.name.slice(0, 200));
  attempts.check(ctx.address, name);
  // Counted before the slow check, so that tries made at once do not all pass the limit.
  attempts.failed(ctx.address, name);
  const found = await ctx.unitOfWork.run((stores) => stores.users.findByName(name));
  const good = await passwords.verify(input.password, found?.passwordHash);
  if (found === undefined || !good) {
    const refusal = new Refusal(WRONG_CREDENTIALS, ctx, {
      action: 'signIn',
      outcome: 'REFUSED',
      reason: 'UNAUTHENTICATED',
      ...(found === undefined ? {} : { target: { type: 'User', id: found.id } }),
    });
    return ctx.unitOfWork.run(() => Promise.reject(refusal));
  }
  attempts.succeeded(ctx.address, name);
  return ctx.unitOfWork.run(async (stores) => {
    // The password may have been reset while this one was checked.
    if ((await stores.users.get(found.id))?.passwordHash !== found.passwordHash)
      throw new HoldfastError(WRONG_CREDENTIALS);
    await stores.sessions.removeExpired(ctx.clock.now());
    const signedIn = await openSession(ctx, stores, found);
    await stores.audit.append(asUser(ctx, found), {
      action: 'signIn',
      outcome: 'SUCCEEDED',
      target: { type: 'User', id: found.id },
    });
    return signedIn;
  });
}

/** A new session for a user who has proved who they are. */
export async function openSession(ctx: Context, stores: Stores, user: User): Promise<SignedIn> {
  const now = ctx.clock.now();
  const token = formatToken(SESSION_PREFIX, ctx.random.bytes(32));
  const session: Session = {
    id: ctx.newId(),
    userId: user.id,
    tokenHash: hashToken(token),
    createdAt: now,
    lastUsedAt: now,
    expiresAt: sessionExpiry(now, now),
    endsAt: now + SESSION_MAX_MS,
  };
  await stores.sessions.insert(session);
  return { user, session, token };
}

/** The same context, from the moment on that its caller is known. */
export function asUser(ctx: Context, user: User): Context {
  return { ...ctx, principal: { kind: 'user', userId: user.id, name: user.name } };
}
