import { HoldfastError } from '@holdfast/core/errors';
import { dialectOf, type Orm } from './database.js';
import { MIGRATIONS } from './migrations/index.js';

/** An arbitrary number that all servers on one PostgreSQL database agree on. */
const MIGRATION_LOCK = 7_463_551;

/**
 * Brings the schema to this program's version. Two servers that start at once do it one after the other.
 * Throws IllegalState when a newer program has changed the schema.
 */
export async function migrate(orm: Orm): Promise<void> {
  await underLock(orm, async () => {
    await refuseNewerSchema(orm);
    await orm.migrator.up();
  });
}

/** For commands that work on a running server's database: they never migrate. Throws IllegalState unless the schema is this program's. */
export async function requireCurrentSchema(orm: Orm): Promise<void> {
  await refuseNewerSchema(orm);
  if ((await orm.migrator.getPending()).length > 0) {
    throw new HoldfastError({
      kind: 'IllegalState',
      code: 'DATABASE_OLDER',
      message: 'The database is from an older version: start the server once first.',
    });
  }
}

async function refuseNewerSchema(orm: Orm): Promise<void> {
  const known = new Set(MIGRATIONS.map((each) => each.name));
  const unknown = (await orm.migrator.getExecuted()).map((each) => each.name).filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw new HoldfastError({
      kind: 'IllegalState',
      code: 'DATABASE_NEWER',
      message: `The database is from a newer version of Holdfast (it has had ${unknown.join(', ')}). Use that version, or a copy of the database from before the upgrade.`,
    });
  }
}

async function underLock(orm: Orm, work: () => Promise<void>): Promise<void> {
  // A SQLite catalog belongs to one data directory, whose lock the server holds.
  if (dialectOf(orm.em) === 'sqlite') return work();
  await orm.em.fork().transactional(async (em) => {
    await em.execute(`select pg_advisory_xact_lock(${MIGRATION_LOCK})`);
    await work();
  });
}
