import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock, systemClock } from '@holdfast/core/clock';
import { createIdSource, systemRandom } from '@holdfast/core/ids';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, describe } from 'vitest';
import type { Principal } from '../../features/access/domain/principal.js';
import type { Services } from '../../features/services.js';
import type { Context, UnitOfWork } from '../context.js';
import { buildStores } from './build-stores.js';
import { type DatabaseAddress, type Dialect, type Orm, openDatabase } from './database.js';
import { migrate } from './migrate.js';
import { type ClosableUnitsOfWork, createUnitsOfWork } from './unit-of-work.js';

export interface TestDatabase {
  readonly dialect: Dialect;
  readonly address: DatabaseAddress;
  readonly orm: Orm;
  readonly unitsOfWork: ClosableUnitsOfWork;
  /** Of the system principal. */
  readonly unitOfWork: UnitOfWork;
  /** Moves only when told to; 1 January 2027 at first. */
  readonly clock: ManualClock;
  /** A context for calling use cases; the system principal and no services unless given. */
  context(overrides?: Partial<Context>): Context;
}

export const SYSTEM: Principal = { kind: 'system', task: 'test' };
// eslint-disable-next-line no-restricted-properties -- a test's setting, not the product's
const POSTGRES = process.env.HOLDFAST_TEST_POSTGRES || undefined;

/**
 * Declares the same suite for SQLite, and for PostgreSQL when HOLDFAST_TEST_POSTGRES names a server (a URL of a
 * user who may create databases). `open` gives a fresh, migrated database; it is closed and removed after the suite.
 */
export function describeOnEachDatabase(name: string, suite: (open: () => Promise<TestDatabase>) => void): void {
  const dialects: Dialect[] = ['sqlite', 'postgresql'];
  for (const dialect of dialects) {
    describe.skipIf(dialect === 'postgresql' && POSTGRES === undefined)(`${name} (${dialect})`, () => {
      const closing: (() => Promise<void>)[] = [];
      afterAll(async () => {
        for (const close of closing.toReversed()) await close();
      });
      suite(async () => {
        const { address, remove } = dialect === 'sqlite' ? await freshFile() : await freshPostgres();
        closing.push(remove);
        const database = await openTestDatabase(address);
        closing.push(() => database.orm.close(true));
        return database;
      });
    });
  }
}

export async function openTestDatabase(address: DatabaseAddress): Promise<TestDatabase> {
  const orm = await openDatabase(address);
  await migrate(orm);
  const clock = new ManualClock(Date.UTC(2027, 0, 1));
  const newId = createIdSource({ clock, random: systemRandom });
  const log = pino({ level: 'silent' });
  const unitsOfWork = createUnitsOfWork({
    orm,
    buildStores: (em) => buildStores(em, { clock, newId }),
    // Transactions take the time that they take.
    clock: { now: () => clock.now(), monotonic: () => systemClock.monotonic() },
    timers: systemClock,
    random: systemRandom,
    log,
  });
  const unitOfWork = unitsOfWork.of(SYSTEM);
  const base: Context = {
    principal: SYSTEM,
    clock,
    random: systemRandom,
    newId,
    log,
    unitOfWork,
    services: {} as Services,
  };
  return {
    dialect: address.dialect,
    address,
    orm,
    unitsOfWork,
    unitOfWork,
    clock,
    context: (overrides = {}) => ({
      ...base,
      unitOfWork: unitsOfWork.of(overrides.principal ?? SYSTEM, overrides.address),
      ...overrides,
    }),
  };
}

async function freshFile(): Promise<{ address: DatabaseAddress; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-db-'));
  return {
    address: { dialect: 'sqlite', file: join(folder, 'catalog.sqlite') },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function freshPostgres(): Promise<{ address: DatabaseAddress; remove: () => Promise<void> }> {
  const name = `holdfast_${randomUUID().replaceAll('-', '')}`;
  await administer(`create database ${name}`);
  const url = new URL(POSTGRES ?? '');
  url.pathname = `/${name}`;
  return {
    address: { dialect: 'postgresql', url: url.href },
    remove: () => administer(`drop database if exists ${name} with (force)`),
  };
}

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: POSTGRES });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
