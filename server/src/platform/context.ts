import type { Clock } from '@holdfast/core/clock';
import type { IdSource, Random } from '@holdfast/core/ids';
import type { Principal } from '../features/access/domain/principal.js';
import type { Services } from '../features/services.js';
import type { Stores } from '../features/stores.js';
import type { Log } from './telemetry/log.js';

/** What every use case is given: who asks, and the few things that it may not reach for by itself. */
export interface Context {
  readonly principal: Principal;
  readonly clock: Clock;
  readonly random: Random;
  /** A fresh UUID, sorted by time. */
  readonly newId: IdSource;
  readonly log: Log;
  /** The caller's network address, for the audit log; absent for what the server does by itself. */
  readonly address?: string;
  /** What was asked for, as the API calls it (`backupNow`); for the audit of refusals. */
  readonly operation?: string;
  readonly unitOfWork: UnitOfWork;
  readonly services: Services;
}

/** How doors and tasks come to a context; made once, by the composition root. */
export type ContextFor = (principal: Principal, address?: string) => Context;

/** What belongs to one open transaction besides its stores. */
export interface Transaction {
  /** Runs once after the commit, never after a rollback. For signals inside this process; a failure is logged, not thrown. */
  afterCommit(run: () => void | Promise<void>): void;
}

export interface TransactionOptions {
  /**
   * `serializable` (the default) makes PostgreSQL behave as SQLite does: what was read still holds at the commit.
   * `read-committed` is for statements that fence themselves (`FOR UPDATE SKIP LOCKED`, compare-and-set updates).
   */
  readonly isolation?: 'serializable' | 'read-committed';
}

export interface UnitOfWork {
  /**
   * Opens ONE transaction, gives its stores, commits when `work` resolves and rolls back when it throws.
   * `work` may be run again after a serialization failure: it must change nothing but through its stores,
   * make no network call, and not open another unit of work (refused: SQLite has one writer).
   */
  run<T>(work: (stores: Stores, transaction: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
}

/** Transactions of one caller wait for each other, and not others for them. */
export interface UnitsOfWork {
  of(principal: Principal, address?: string): UnitOfWork;
}
