import type { Page, PageRequest } from '../../platform/page.js';
import type { Scope } from '../access/domain/scope.js';
import type { Policy } from './domain/policy.js';

export interface PolicyFilter {
  readonly subscriptionId?: string;
}

export interface PolicyStore {
  insert(policy: Policy): Promise<void>;
  get(id: string): Promise<Policy | undefined>;
  getMany(ids: readonly string[]): Promise<Policy[]>;
  findByName(subscriptionId: string, name: string): Promise<Policy | undefined>;
  list(scopes: readonly Scope[], filter: PolicyFilter, page: PageRequest): Promise<Page<Policy>>;
}
