import { describe, expect, it } from 'vitest';
import { openDatabase } from './database.js';
import { migrate, requireCurrentSchema } from './migrate.js';
import { describeOnEachDatabase } from './testing.js';

describeOnEachDatabase('the catalog database', (open) => {
  it('has exactly the tables that the entities ask for', async () => {
    const { orm } = await open();
    expect(await orm.schema.getUpdateSchemaSQL({ wrap: false, safe: false })).toBe('');
  });

  it('is migrated once by all servers that may start at the same time', async () => {
    const { address, orm, dialect } = await open();
    // A SQLite file belongs to one server, which the data folder's lock sees to.
    const servers = dialect === 'sqlite' ? 1 : 3;
    await orm.schema.drop({ dropMigrationsTable: true });
    const others = await Promise.all(Array.from({ length: servers }, () => openDatabase(address)));
    await Promise.all(others.map(migrate));
    expect((await orm.migrator.getExecuted()).map((each) => each.name)).toEqual(['0001-initial']);
    for (const other of others) await other.close(true);
  });

  it('is refused when a newer version has migrated it', async () => {
    const { orm } = await open();
    await orm.em.getConnection().execute("insert into migration (name) values ('0999-from-the-future')");
    await expect(migrate(orm)).rejects.toMatchObject({ kind: 'IllegalState', code: 'DATABASE_NEWER' });
    await expect(requireCurrentSchema(orm)).rejects.toMatchObject({ code: 'DATABASE_NEWER' });
  });
});

describe('a database that is not there', () => {
  it('is reported without its password', async () => {
    const opened = openDatabase({ dialect: 'postgresql', url: 'postgresql://someone:secret-word@127.0.0.1:1/catalog' });
    await expect(opened).rejects.toMatchObject({ kind: 'Unavailable', code: 'DATABASE_UNREACHABLE' });
    await expect(opened).rejects.toThrow(/postgresql:\/\/127\.0\.0\.1:1\/catalog/);
    await expect(opened).rejects.not.toThrow(/secret-word/);
  });
});
