import type { Context } from '../../../platform/context.js';
import { parseName } from '../../../platform/names.js';
import { authorize } from '../../access/authorize.js';
import { noSuchThing } from '../../vaults/use-cases/require-vault.js';
import type { Policy, Schedule } from '../domain/policy.js';
import { checkSchedule } from '../domain/schedule.js';

export async function createPolicy(
  ctx: Context,
  input: { readonly subscriptionId: string; readonly name: string; readonly schedule: Schedule },
): Promise<Policy> {
  const name = parseName('A policy', input.name);
  const schedule = checkSchedule(input.schedule, 'schedule');
  return ctx.unitOfWork.run(async (stores) => {
    await authorize(ctx, stores, 'policy.create', { subscriptionId: input.subscriptionId });
    if (!(await stores.subscriptions.get(input.subscriptionId))) throw noSuchThing();
    const policy: Policy = {
      id: ctx.newId(),
      subscriptionId: input.subscriptionId,
      name,
      schedule,
      createdAt: ctx.clock.now(),
    };
    await stores.policies.insert(policy);
    await stores.audit.append(ctx, {
      action: 'createPolicy',
      outcome: 'SUCCEEDED',
      target: { type: 'Policy', id: policy.id },
    });
    return policy;
  });
}
