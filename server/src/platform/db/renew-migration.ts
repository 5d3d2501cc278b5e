import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ReflectMetadataProvider } from '@mikro-orm/decorators/legacy';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { SqlMikroORM } from '@mikro-orm/sql';
import { type Dialect, type Orm, openDatabase } from './database.js';
import { ENTITIES } from './entities.js';

// Until 1.0 the one migration is written anew from the entities: no released database has to be carried along.
const target = fileURLToPath(new URL('./migrations/0001-initial.ts', import.meta.url));

async function statements(dialect: Dialect): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-migration-'));
  const orm =
    dialect === 'sqlite'
      ? await openDatabase({ dialect, file: join(folder, 'empty.sqlite') })
      : ((await SqlMikroORM.init({
          driver: PostgreSqlDriver,
          dbName: 'unused',
          entities: ENTITIES,
          metadataProvider: ReflectMetadataProvider,
          connect: false,
        } as never)) as unknown as Orm);
  try {
    const sql = await orm.schema.getCreateSchemaSQL({ wrap: false });
    return sql
      .split(';\n')
      .map((each) => each.trim().replace(/;$/, ''))
      .filter((each) => each !== '');
  } finally {
    await orm.close(true);
    await rm(folder, { recursive: true });
  }
}

const list = (name: string, sql: string[]): string =>
  `const ${name} = [\n${sql.map((each) => `  ${JSON.stringify(each)},\n`).join('')}];\n`;

await writeFile(
  target,
  `// Written by \`pnpm --filter @holdfast/server migration:renew\` from the entities.
import { Migration } from '@mikro-orm/migrations';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';

${list('SQLITE', await statements('sqlite'))}
${list('POSTGRESQL', await statements('postgresql'))}
export class Migration0001Initial extends Migration {
  override up(): void {
    for (const statement of this.driver instanceof PostgreSqlDriver ? POSTGRESQL : SQLITE) this.addSql(statement);
  }
}
`,
);
