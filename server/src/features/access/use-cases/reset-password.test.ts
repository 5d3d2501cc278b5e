import { systemRandom } from '@holdfast/core/ids';
import { beforeAll, expect, it } from 'vitest';
import type { Context } from '../../../platform/context.js';
import { describeOnEachDatabase, type TestDatabase } from '../../../platform/db/testing.js';
import type { Services } from '../../services.js';
import { createAttemptLimiter } from '../attempt-limiter.js';
import { createPasswordHasher } from '../password-hashing.js';
import { assignRole } from './assign-role.js';
import { authenticate } from './authenticate.js';
import { createApiToken } from './create-api-token.js';
import { createUser } from './create-user.js';
import { resetPassword } from './reset-password.js';
import { signIn } from './sign-in.js';

const PASSWORD = 'correct horse battery';

describeOnEachDatabase('resetting a password', (open) => {
  let database: TestDatabase;
  let ctx: Context;
  const passwords = createPasswordHasher(systemRandom, { memory: 1_024, passes: 1, parallelism: 1 });

  beforeAll(async () => {
    database = await open();
    const access = { passwords, attempts: createAttemptLimiter(database.clock) };
    ctx = database.context({ services: { access } as unknown as Services });
    for (const name of ['ann', 'bob', 'cid']) {
      const { id } = await createUser(ctx, { name, password: PASSWORD });
      await assignRole(ctx, { userId: id, role: 'BACKUP_READER' });
    }
  });

  const holder = async (name: string): Promise<{ session: string; apiToken: string; asUser: Context }> => {
    const { token: session } = await signIn(ctx, { name, password: PASSWORD });
    const asUser = { ...ctx, principal: (await authenticate(ctx, session)).principal };
    const input = { name: 'script', role: 'OWNER', expiresAt: database.clock.now() + 3_600_000 } as const;
    return { session, apiToken: (await createApiToken(asUser, input)).token, asUser };
  };
  const kindOf = async (token: string): Promise<string> => (await authenticate(ctx, token)).principal.kind;
  const reset = async (name: string): Promise<unknown> =>
    resetPassword(ctx, { name, passwordHash: await passwords.hash('a brand new password') });

  it('voids the sessions and the API tokens of that user, and of nobody else', async () => {
    const [ann, bob] = [await holder('ann'), await holder('bob')];
    expect(await reset('ann')).toEqual({ sessionsEnded: 1, tokensRevoked: 1 });
    expect([await kindOf(ann.session), await kindOf(ann.apiToken)]).toEqual(['anonymous', 'anonymous']);
    expect([await kindOf(bob.session), await kindOf(bob.apiToken)]).toEqual(['user', 'user']);
    expect(await reset('ann')).toEqual({ sessionsEnded: 0, tokensRevoked: 0 });
  });

  it('leaves no way for calls that were under way to make a token or a session after it', async () => {
    const { asUser } = await holder('cid');
    const slow = {
      ...ctx.services.access,
      passwords: { ...passwords, verify: async () => reset('cid').then(() => true) },
    };
    const late = { ...ctx, services: { access: slow } as unknown as Services };
    await expect(signIn(late, { name: 'cid', password: PASSWORD })).rejects.toMatchObject({
      code: 'WRONG_CREDENTIALS',
    });
    const input = { name: 'late', role: 'OWNER', expiresAt: database.clock.now() + 3_600_000 } as const;
    await expect(createApiToken(asUser, input)).rejects.toMatchObject({ kind: 'Unauthenticated' });
  });
});
