import { HoldfastError } from '@holdfast/core/errors';
import type { Context } from '../../../platform/context.js';
import { SERVER } from '../../access/domain/scope.js';
import { parseUserName } from '../../access/domain/user-name.js';
import type { User } from '../../access/ports.js';
import { Refusal } from '../../access/refusal.js';
import { asUser, openSession, type SignedIn } from '../../access/use-cases/sign-in.js';

export interface CompleteSetupInput {
  readonly setupCode: string;
  readonly name: string;
  readonly password: string;
}

/** What the limiter counts tries under; no user can have the name. */
const LIMITED_AS = 'the setup code';
const WRONG_SETUP_CODE = {
  kind: 'Unauthenticated',
  code: 'WRONG_SETUP_CODE',
  message: "The setup code is wrong. It stands on the server's console and in its data folder.",
} as const;

/**
 * Makes the first administrator, signed in, and with them the subscription `default` and the region `local`, so that
 * a single user meets neither. Whoever has the setup code may, once. Throws Unauthenticated, IllegalState, RateLimited.
 */
export async function completeSetup(ctx: Context, input: CompleteSetupInput): Promise<SignedIn> {
  const { attempts, passwords } = ctx.services.access;
  if (!(await isSetupRequired(ctx))) throw alreadyDone();
  attempts.check(ctx.address, LIMITED_AS);
  if (!ctx.services.setup.matches(input.setupCode)) {
    attempts.failed(ctx.address, LIMITED_AS);
    const refusal = new Refusal(WRONG_SETUP_CODE, ctx, {
      action: 'completeSetup',
      outcome: 'REFUSED',
      reason: 'UNAUTHENTICATED',
    });
    return ctx.unitOfWork.run(() => Promise.reject(refusal));
  }
  const name = parseUserName(input.name);
  const passwordHash = await passwords.hash(input.password);
  const storeUrl = await ctx.services.regions.admitStore(ctx.services.setup.defaultStoreUrl);
  const signedIn = await ctx.unitOfWork.run(async (stores) => {
    if (await stores.users.any()) throw alreadyDone();
    const now = ctx.clock.now();
    const user: User = { id: ctx.newId(), name, passwordHash, createdAt: now };
    await stores.users.insert(user);
    await stores.roleAssignments.insert({
      id: ctx.newId(),
      userId: user.id,
      role: 'OWNER',
      scope: SERVER,
      createdAt: now,
    });
    await stores.subscriptions.insert({ id: ctx.newId(), name: 'default', createdAt: now });
    await stores.regions.insert({
      id: ctx.newId(),
      name: 'local',
      zones: [{ id: ctx.newId(), name: 'local-1', storeUrl }],
      createdAt: now,
    });
    await stores.audit.append(asUser(ctx, user), {
      action: 'completeSetup',
      outcome: 'SUCCEEDED',
      target: { type: 'User', id: user.id },
    });
    return openSession(ctx, stores, user);
  });
  await ctx.services.setup.done();
  return signedIn;
}

/** Whether the first administrator still has to be made. Anyone may ask: the sign-in page has to know. */
export async function isSetupRequired(ctx: Context): Promise<boolean> {
  return ctx.unitOfWork.run(async (stores) => !(await stores.users.any()));
}

function alreadyDone(): HoldfastError {
  return new HoldfastError({
    kind: 'IllegalState',
    code: 'SETUP_DONE',
    message: 'This server has its administrator already.',
  });
}
