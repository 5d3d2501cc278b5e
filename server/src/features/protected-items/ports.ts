import type { Page, PageRequest } from '../../platform/page.js';
import type { Scope } from '../access/domain/scope.js';
import type { PreCheck } from './domain/pre-check.js';
import type { ProtectedItem, ProtectionState } from './domain/protected-item.js';

export interface ProtectedItemFilter {
  readonly subscriptionId?: string;
  readonly vaultId?: string;
  readonly agentId?: string;
  readonly state?: ProtectionState;
}

export interface ProtectedItemStore {
  insert(item: ProtectedItem): Promise<void>;
  get(id: string): Promise<ProtectedItem | undefined>;
  getMany(ids: readonly string[]): Promise<ProtectedItem[]>;
  /** Among the items of the vault that are not stopped. */
  findByName(vaultId: string, name: string): Promise<ProtectedItem | undefined>;
  list(scopes: readonly Scope[], filter: ProtectedItemFilter, page: PageRequest): Promise<Page<ProtectedItem>>;
  setState(id: string, state: ProtectionState): Promise<void>;
  setPreCheck(id: string, preCheck: PreCheck): Promise<void>;
  /** STOPPED, and out of the schedule. */
  stop(id: string, at: number): Promise<void>;
  /** Items whose next backup is due, the longest waiting first. */
  due(now: number, limit: number): Promise<ProtectedItem[]>;
  /** Moves the item on in its schedule if `servedUntil` still stands where the caller saw it; false when somebody else was first. */
  advanceSchedule(
    id: string,
    from: number,
    to: { readonly servedUntil: number; readonly nextBackupAt: number },
  ): Promise<boolean>;
}
