import 'reflect-metadata';
import { HoldfastError } from '@holdfast/core/errors';
import type { MikroORM, Options } from '@mikro-orm/core';
import { ReflectMetadataProvider } from '@mikro-orm/decorators/legacy';
import { Migrator } from '@mikro-orm/migrations';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { type AbstractSqlDriver, type SqlEntityManager, SqlMikroORM } from '@mikro-orm/sql';
import { SqliteConnection, SqliteDriver } from '@mikro-orm/sqlite';
import { ENTITIES } from './entities.js';
import { forgiveRollback } from './forgive-rollback.js';
import { MIGRATIONS } from './migrations/index.js';
import { rememberStatements } from './remember-statements.js';

export type Orm = MikroORM<AbstractSqlDriver, SqlEntityManager>;
export type Dialect = 'sqlite' | 'postgresql';

/** Where the catalog is: a file, or a `postgresql://` URL (which may hold a password: never logged). */
export type DatabaseAddress =
  | { readonly dialect: 'sqlite'; readonly file: string }
  | { readonly dialect: 'postgresql'; readonly url: string };

const BUSY_TIMEOUT_MS = 5_000;
/** SQLite has one writer, and one connection here. */
export const MOST_TRANSACTIONS: Readonly<Record<Dialect, number>> = { sqlite: 1, postgresql: 12 };
const CONNECT_TIMEOUT_MS = 10_000;

/** Connects; changes nothing in the database but SQLite's journal mode. Throws Unavailable when it cannot. */
export async function openDatabase(address: DatabaseAddress): Promise<Orm> {
  const orm = (await SqlMikroORM.init(options(address))) as Orm;
  try {
    if (address.dialect === 'sqlite') {
      const connection = orm.em.getConnection();
      // The wait for the other process's lock first, so that it covers the pragmas after it.
      await connection.execute(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
      await connection.execute('pragma journal_mode = wal');
      await connection.execute('pragma synchronous = full');
      await connection.execute('pragma foreign_keys = on');
      if (connection instanceof SqliteConnection) rememberStatements(await connection.getNativeClient());
    } else {
      await orm.em.getConnection().execute('select 1');
    }
    return orm;
  } catch (cause) {
    await orm.close(true);
    throw new HoldfastError({
      kind: 'Unavailable',
      code: 'DATABASE_UNREACHABLE',
      message: `The database ${describeAddress(address)} cannot be opened: ${cause instanceof Error ? firstLine(cause.message) : 'unknown reason'}`,
      cause,
    });
  }
}

/** The address without its password, for people and logs. */
export function describeAddress(address: DatabaseAddress): string {
  if (address.dialect === 'sqlite') return address.file;
  const url = new URL(address.url);
  return `postgresql://${url.host}${url.pathname}`;
}

export function dialectOf(em: SqlEntityManager): Dialect {
  return em.getDriver() instanceof PostgreSqlDriver ? 'postgresql' : 'sqlite';
}

function options(address: DatabaseAddress): Partial<Options<AbstractSqlDriver, SqlEntityManager>> {
  const common: Partial<Options<AbstractSqlDriver, SqlEntityManager>> = {
    entities: ENTITIES,
    metadataProvider: ReflectMetadataProvider,
    metadataCache: { enabled: false },
    extensions: [Migrator],
    migrations: { migrationsList: MIGRATIONS, snapshot: false, tableName: 'migration', silent: true },
    forceUtcTimezone: true,
    onCreateConnection: forgiveRollback,
  };
  if (address.dialect === 'sqlite') return { ...common, driver: SqliteDriver, dbName: address.file } as typeof common;
  return {
    ...common,
    driver: PostgreSqlDriver,
    clientUrl: address.url,
    pool: { min: 0, max: MOST_TRANSACTIONS.postgresql },
    driverOptions: { connectionTimeoutMillis: CONNECT_TIMEOUT_MS },
  } as typeof common;
}

function firstLine(message: string): string {
  return message.split('\n')[0] ?? '';
}
