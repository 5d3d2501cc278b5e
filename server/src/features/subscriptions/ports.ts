import type { Page, PageRequest } from '../../platform/page.js';
import type { Scope } from '../access/domain/scope.js';

/** Isolation and billing boundary: owns vaults, agents and policies. */
export interface Subscription {
  readonly id: string;
  readonly name: string;
  /** Milliseconds since 1970, UTC. */
  readonly createdAt: number;
}

export interface SubscriptionStore {
  /** Throws Conflict when the name is taken. */
  insert(subscription: Subscription): Promise<void>;
  get(id: string): Promise<Subscription | undefined>;
  getMany(ids: readonly string[]): Promise<Subscription[]>;
  /** Those that the scopes lie in or contain, by creation. */
  list(scopes: readonly Scope[], page: PageRequest): Promise<Page<Subscription>>;
}
