import type { SqlEntityManager } from '@mikro-orm/sql';
import { mapPage, paginate } from '../../../platform/db/paginate.js';
import { orConflict } from '../../../platform/db/unique-violation.js';
import type { Page, PageRequest } from '../../../platform/page.js';
import type { Scope } from '../../access/domain/scope.js';
import type { Subscription, SubscriptionStore } from '../ports.js';
import { SubscriptionRow } from './subscription.entity.js';

export class MikroSubscriptionStore implements SubscriptionStore {
  constructor(private readonly em: SqlEntityManager) {}

  async insert(subscription: Subscription): Promise<void> {
    await orConflict(
      this.em.insert(SubscriptionRow, { ...subscription }),
      'SUBSCRIPTION_NAME_TAKEN',
      'A subscription of that name exists already.',
    );
  }

  async get(id: string): Promise<Subscription | undefined> {
    const row = await this.em.findOne(SubscriptionRow, { id });
    return row === null ? undefined : toSubscription(row);
  }

  async getMany(ids: readonly string[]): Promise<Subscription[]> {
    return (await this.em.find(SubscriptionRow, { id: { $in: [...ids] } })).map(toSubscription);
  }

  async list(scopes: readonly Scope[], page: PageRequest): Promise<Page<Subscription>> {
    const all = scopes.some((scope) => scope.subscriptionId === undefined);
    const ids = scopes.flatMap((scope) => scope.subscriptionId ?? []);
    return mapPage(
      await paginate(this.em, SubscriptionRow, all ? {} : { id: { $in: ids } }, 'createdAt', page),
      toSubscription,
    );
  }
}

function toSubscription(row: SubscriptionRow): Subscription {
  return { id: row.id, name: row.name, createdAt: row.createdAt };
}
