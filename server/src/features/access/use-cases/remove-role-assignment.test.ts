import { beforeAll, beforeEach, expect, it } from 'vitest';
import type { Context } from '../../../platform/context.js';
import { describeOnEachDatabase, type TestDatabase } from '../../../platform/db/testing.js';
import { createSubscription } from '../../subscriptions/use-cases/create-subscription.js';
import type { Role } from '../domain/roles.js';
import type { RoleAssignment } from '../ports.js';
import { assignRole } from './assign-role.js';
import { removeRoleAssignment } from './remove-role-assignment.js';
import type { ScopeInput } from './resolve-scope.js';

describeOnEachDatabase('removing a role assignment', (open) => {
  let database: TestDatabase;
  let system: Context;
  let subscriptionId: string;
  let first: { ctx: Context; assignment: RoleAssignment };

  beforeAll(async () => {
    database = await open();
    system = database.context();
    subscriptionId = (await createSubscription(system, { name: 'one' })).id;
    first = await someone('first', 'OWNER');
  });

  beforeEach(async () => {
    // Each test starts with one Owner of the server.
    await database.unitOfWork.run(async (stores) => {
      const { items } = await stores.roleAssignments.list({}, { first: 100, direction: 'ASC' });
      for (const { item } of items) if (item.id !== first.assignment.id) await stores.roleAssignments.remove(item.id);
    });
  });

  async function someone(name: string, role: Role, scope: ScopeInput = {}) {
    const user = { id: system.newId(), name, passwordHash: 'x', createdAt: 0 };
    await database.unitOfWork.run((stores) => stores.users.insert(user));
    const assignment = await assignRole(system, { userId: user.id, role, ...scope });
    return { ctx: database.context({ principal: { kind: 'user', userId: user.id, name } }), assignment };
  }
  const remove = (ctx: Context, { id }: RoleAssignment): Promise<RoleAssignment> =>
    removeRoleAssignment(ctx, { roleAssignmentId: id });

  it('takes the right away at once, and leaves a row that says from whom, what and where', async () => {
    const reader = await someone('reader', 'OWNER', { subscriptionId });
    await remove(first.ctx, reader.assignment);
    await expect(remove(first.ctx, reader.assignment)).rejects.toMatchObject({ kind: 'NotFound' });
    const userId = reader.assignment.userId;
    await expect(assignRole(reader.ctx, { userId, role: 'OWNER', subscriptionId })).rejects.toMatchObject({
      kind: 'NotFound',
    });
    const events = await database.unitOfWork.run((stores) =>
      stores.audit.list({ action: 'removeRoleAssignment' }, { first: 1, direction: 'DESC' }),
    );
    expect(events.items[0]?.item).toMatchObject({
      actor: 'first',
      targetId: reader.assignment.id,
      outcome: 'SUCCEEDED',
      reason: `OWNER User ${userId} Subscription ${subscriptionId}`,
    });
  });

  it('is for the owners of its scope alone, also to give a role back', async () => {
    const owner = await someone('local owner', 'OWNER', { subscriptionId });
    const contributor = await someone('contributor', 'BACKUP_CONTRIBUTOR');
    const stranger = await someone('stranger', 'OWNER', {
      subscriptionId: (await createSubscription(system, { name: 'two' })).id,
    });
    await expect(remove(contributor.ctx, owner.assignment)).rejects.toMatchObject({ kind: 'Forbidden' });
    await expect(remove(contributor.ctx, contributor.assignment)).rejects.toMatchObject({ kind: 'Forbidden' });
    await expect(remove(owner.ctx, first.assignment)).rejects.toMatchObject({ kind: 'Forbidden' });
    await expect(remove(stranger.ctx, owner.assignment)).rejects.toMatchObject({ kind: 'NotFound' });
    await remove(owner.ctx, owner.assignment);
  });

  it('refuses to remove the last Owner of the server, but not one of two', async () => {
    await expect(remove(first.ctx, first.assignment)).rejects.toMatchObject({
      kind: 'IllegalState',
      code: 'LAST_OWNER',
    });
    await someone('owner of a part', 'OWNER', { subscriptionId });
    await someone('not an owner', 'BACKUP_CONTRIBUTOR');
    await expect(remove(first.ctx, first.assignment)).rejects.toMatchObject({ code: 'LAST_OWNER' });
    const second = await someone('second', 'OWNER');
    await remove(first.ctx, second.assignment);
  });

  it('keeps one Owner when two remove each other at once', async () => {
    const second = await someone('rival', 'OWNER');
    const outcomes = await Promise.allSettled([
      remove(first.ctx, second.assignment),
      remove(second.ctx, first.assignment),
    ]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    // Whoever was left owns the server; the next test's Owner is that one.
    if (outcomes[1]?.status === 'fulfilled') first = second;
  });
});
