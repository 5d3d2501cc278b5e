import type Database from 'better-sqlite3';

/** As many as the queries of a server come to, and some. */
const REMEMBERED = 500;

/**
 * Prepares a statement once, however often it is asked for: preparing takes as long as executing what is asked most. SQLite prepares a
 * statement anew by itself when the tables have changed. Only for a database none of whose statements is still being read when
 * the same one is asked for again, and none of which is given other settings.
 */
export function rememberStatements(db: Pick<Database.Database, 'prepare'>): void {
  const prepare = db.prepare.bind(db) as (sql: string) => Database.Statement;
  const known = new Map<string, Database.Statement>();
  const remembering = (sql: string): Database.Statement => {
    const before = known.get(sql);
    if (before !== undefined) return before;
    const statement = prepare(sql);
    const [oldest] = known.keys();
    if (known.size >= REMEMBERED && oldest !== undefined) known.delete(oldest);
    known.set(sql, statement);
    return statement;
  };
  db.prepare = remembering as typeof db.prepare;
}
