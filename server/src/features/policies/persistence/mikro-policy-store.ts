import type { FilterQuery } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/sql';
import { mapPage, paginate } from '../../../platform/db/paginate.js';
import { orConflict } from '../../../platform/db/unique-violation.js';
import type { Page, PageRequest } from '../../../platform/page.js';
import type { Scope } from '../../access/domain/scope.js';
import type { Policy } from '../domain/policy.js';
import type { PolicyFilter, PolicyStore } from '../ports.js';
import { PolicyRow } from './policy.entity.js';

// Rows change by statements, so what an entity manager remembers of them would be old.
const FRESH = { disableIdentityMap: true } as const;

export class MikroPolicyStore implements PolicyStore {
  constructor(private readonly em: SqlEntityManager) {}

  async insert(policy: Policy): Promise<void> {
    await orConflict(
      this.em.insert(PolicyRow, { ...policy }),
      'POLICY_NAME_TAKEN',
      `A policy named ${policy.name} exists in this subscription.`,
    );
  }

  async get(id: string): Promise<Policy | undefined> {
    const row = await this.em.findOne(PolicyRow, { id }, FRESH);
    return row === null ? undefined : toPolicy(row);
  }

  async getMany(ids: readonly string[]): Promise<Policy[]> {
    return (await this.em.find(PolicyRow, { id: { $in: [...ids] } }, FRESH)).map(toPolicy);
  }

  async findByName(subscriptionId: string, name: string): Promise<Policy | undefined> {
    const row = await this.em.findOne(PolicyRow, { subscriptionId, name }, FRESH);
    return row === null ? undefined : toPolicy(row);
  }

  /** Policies belong to a subscription as a whole: a right on one vault does not reach them. */
  async list(scopes: readonly Scope[], filter: PolicyFilter, page: PageRequest): Promise<Page<Policy>> {
    const everywhere = scopes.some((scope) => scope.subscriptionId === undefined && scope.vaultId === undefined);
    const subscriptions = scopes.flatMap((scope) =>
      scope.vaultId === undefined && scope.subscriptionId !== undefined ? [scope.subscriptionId] : [],
    );
    const where = {
      $and: [
        everywhere ? {} : { subscriptionId: { $in: subscriptions } },
        filter.subscriptionId === undefined ? {} : { subscriptionId: filter.subscriptionId },
      ],
    } as FilterQuery<PolicyRow>;
    return mapPage(await paginate(this.em, PolicyRow, where, 'createdAt', page), toPolicy);
  }
}

function toPolicy({ id, subscriptionId, name, schedule, createdAt }: PolicyRow): Policy {
  return { id, subscriptionId, name, schedule, createdAt };
}
