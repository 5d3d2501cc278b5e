import type { Page, PageRequest } from '../../platform/page.js';
import type { Scope } from '../access/domain/scope.js';
import type { ChainEnd, RecoveryPoint } from './domain/recovery-point.js';

export interface RecoveryPointFilter {
  readonly protectedItemId?: string;
  readonly vaultId?: string;
}

/** A point that was signed and may or may not stand in the store already. */
export interface PreparedPoint {
  readonly id: string;
  readonly jobId: string;
  readonly rootNode: Buffer;
  /** SignedObject, encoded. */
  readonly signed: Buffer;
}

export interface VaultTotals {
  readonly recoveryPoints: number;
  readonly storedBytes: bigint;
}

export interface RecoveryPointStore {
  insert(point: RecoveryPoint, subscriptionId: string): Promise<void>;
  get(id: string): Promise<RecoveryPoint | undefined>;
  getMany(ids: readonly string[]): Promise<RecoveryPoint[]>;
  ofJob(jobId: string): Promise<RecoveryPoint | undefined>;
  atSequence(itemId: string, sequence: number): Promise<RecoveryPoint | undefined>;
  /** The newest in the item's chain, DELETED ones too. */
  chainEnd(itemId: string): Promise<ChainEnd | undefined>;
  /** The newest LIVE one of each item. */
  newestLive(itemIds: readonly string[]): Promise<RecoveryPoint[]>;
  newestLiveFull(itemId: string): Promise<RecoveryPoint | undefined>;
  /** LIVE ones inside the scopes, by time. */
  list(scopes: readonly Scope[], filter: RecoveryPointFilter, page: PageRequest): Promise<Page<RecoveryPoint>>;
  /** False when it is not LIVE. */
  markDeleted(id: string, at: number): Promise<boolean>;
  liveIdsOfItem(itemId: string): Promise<string[]>;
  /** LIVE points, and the bytes that all points, DELETED ones too, added to the store. */
  totalsOfVaults(vaultIds: readonly string[]): Promise<Map<string, VaultTotals>>;

  putPrepared(point: PreparedPoint): Promise<void>;
  prepared(jobId: string, rootNode: Uint8Array): Promise<PreparedPoint | undefined>;
  removePrepared(jobId: string): Promise<void>;

  /** Remembers a point object that was found in a store and not taken into the catalog. Idempotent. */
  quarantine(point: {
    readonly id: string;
    readonly vaultId: string;
    readonly reason: string;
    readonly foundAt: number;
  }): Promise<void>;
}
