import { randomUUID } from 'node:crypto';
import pg from 'pg';

export interface TestDatabase {
  /** postgresql:// address of an empty database of its own. */
  readonly url: string;
  drop(): Promise<void>;
}

/** An empty database on the PostgreSQL that the test run started. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = process.env.HOLDFAST_TEST_POSTGRES;
  if (!server) throw new Error('HOLDFAST_TEST_POSTGRES is not set: run through "npm test", which starts a PostgreSQL');
  const name = `holdfast_${randomUUID().replaceAll('-', '')}`;
  const administrator = new pg.Client({ connectionString: server });
  await administrator.connect();
  await administrator.query(`create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    async drop() {
      await administrator.query(`drop database if exists ${name} with (force)`);
      await administrator.end();
    },
  };
}
