import type { Context } from '../../../platform/context.js';
import { authorize } from '../authorize.js';
import { SERVER } from '../domain/scope.js';
import { parseUserName } from '../domain/user-name.js';
import type { User } from '../ports.js';

/** A user without any right yet. Throws Conflict when the name is taken, Validation for a bad name or password. */
export async function createUser(
  ctx: Context,
  input: { readonly name: string; readonly password: string },
): Promise<User> {
  await ctx.unitOfWork.run((stores) => authorize(ctx, stores, 'user.create', SERVER));
  const name = parseUserName(input.name);
  const passwordHash = await ctx.services.access.passwords.hash(input.password);
  return ctx.unitOfWork.run(async (stores) => {
    await authorize(ctx, stores, 'user.create', SERVER);
    const user: User = { id: ctx.newId(), name, passwordHash, createdAt: ctx.clock.now() };
    await stores.users.insert(user);
    await stores.audit.append(ctx, {
      action: 'createUser',
      outcome: 'SUCCEEDED',
      target: { type: 'User', id: user.id },
    });
    return user;
  });
}
