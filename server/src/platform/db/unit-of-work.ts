import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock, Timers } from '@holdfast/core/clock';
import { HoldfastError } from '@holdfast/core/errors';
import type { Random } from '@holdfast/core/ids';
import { DeadlockException, IsolationLevel, LockWaitTimeoutException } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/sql';
import { callerKey } from '../../features/access/caller-key.js';
import { Refusal } from '../../features/access/refusal.js';
import { RefusalAudit } from '../../features/audit/refusal-audit.js';
import type { Stores } from '../../features/stores.js';
import type { Transaction, TransactionOptions, UnitOfWork, UnitsOfWork } from '../context.js';
import type { Log } from '../telemetry/log.js';
import { dialectOf, MOST_TRANSACTIONS, type Orm } from './database.js';
import { asDatabaseFailure } from './database-failure.js';
import { TransactionTurns } from './transaction-turns.js';

const MAX_TRIES = 8;
const FIRST_PAUSE_MS = 5;

export interface UnitOfWorkPorts {
  readonly orm: Orm;
  readonly buildStores: (em: SqlEntityManager) => Stores;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
}

const open = new AsyncLocalStorage<true>();

export interface ClosableUnitsOfWork extends UnitsOfWork {
  /** Writes the refusals that are counted and not yet written. */
  close(): Promise<void>;
}

type InTurn = <T>(transaction: () => Promise<T>) => Promise<T>;

export function createUnitsOfWork(ports: UnitOfWorkPorts): ClosableUnitsOfWork {
  const turns = new TransactionTurns(MOST_TRANSACTIONS[dialectOf(ports.orm.em)], ports.clock);
  const inLine =
    (key: string): InTurn =>
    (transaction) =>
      turns.run(key, transaction);
  const refusals = new RefusalAudit({
    ...ports,
    write: (origin, entry) =>
      runWithRetries(
        ports,
        inLine(callerKey(origin.principal, origin.address)),
        (stores) => stores.audit.append(origin, entry),
        {},
      ),
  });
  return {
    close: () => refusals.stop(),
    of: (principal, address) => unitOfWork(ports, inLine(callerKey(principal, address)), refusals),
  };
}

function unitOfWork(ports: UnitOfWorkPorts, inTurn: InTurn, refusals: RefusalAudit): UnitOfWork {
  return {
    async run(work, options = {}) {
      // SQLite has one connection: a second transaction would wait for the first for ever.
      if (open.getStore() === true)
        throw new HoldfastError({
          kind: 'Internal',
          code: 'NESTED_UNIT_OF_WORK',
          message: 'A unit of work was opened inside another one.',
        });
      try {
        return await runWithRetries(ports, inTurn, work, options);
      } catch (error) {
        if (error instanceof Refusal) await refusals.record(error.origin, error.entry);
        throw error;
      }
    },
  };
}

async function runWithRetries<T>(
  ports: UnitOfWorkPorts,
  inTurn: InTurn,
  work: (stores: Stores, transaction: Transaction) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await runOnce(ports, inTurn, work, options);
    } catch (error) {
      if (!mayRunAgain(error)) throw asDatabaseFailure(error);
      if (tries === MAX_TRIES) {
        throw new HoldfastError({
          kind: 'Unavailable',
          code: 'DATABASE_BUSY',
          message: 'Too much was going on in the database; try again.',
          cause: error,
        });
      }
      // Full jitter, so that two that met do not meet again.
      const spread = ports.random.bytes(4).readUInt32BE() / 2 ** 32;
      await ports.timers.sleep(FIRST_PAUSE_MS * 2 ** tries * spread);
    }
  }
}

async function runOnce<T>(
  ports: UnitOfWorkPorts,
  inTurn: InTurn,
  work: (stores: Stores, transaction: Transaction) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  const afterwards: (() => void | Promise<void>)[] = [];
  const transaction: Transaction = { afterCommit: (run) => void afterwards.push(run) };
  const isolation =
    options.isolation === 'read-committed' ? IsolationLevel.READ_COMMITTED : IsolationLevel.SERIALIZABLE;
  const isolationOption = dialectOf(ports.orm.em) === 'postgresql' ? { isolationLevel: isolation } : {};
  const result = await inTurn(() =>
    open.run(true, () =>
      ports.orm.em.fork().transactional((em) => work(ports.buildStores(em), transaction), isolationOption),
    ),
  );
  for (const run of afterwards) {
    try {
      await open.exit(run);
    } catch (error) {
      ports.log.error({ err: error }, 'unit-of-work.after-commit-failed');
    }
  }
  return result;
}

/** Deadlock, serialization failure, busy: the database undid the transaction, and nothing of it remains. */
function mayRunAgain(error: unknown): boolean {
  return error instanceof DeadlockException || error instanceof LockWaitTimeoutException;
}
