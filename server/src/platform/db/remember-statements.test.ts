import { SqliteConnection } from '@mikro-orm/sqlite';
import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { openDatabase } from './database.js';
import { rememberStatements } from './remember-statements.js';

it('prepares what is asked often once, and answers as before, also when the tables have changed', () => {
  const db = new Database(':memory:');
  rememberStatements(db);
  db.exec('CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)');
  const insert = db.prepare('INSERT INTO item (name) VALUES (?)');
  insert.run('one');
  expect(db.prepare('INSERT INTO item (name) VALUES (?)')).toBe(insert);
  const all = 'SELECT * FROM item WHERE name = ?';
  expect(db.prepare(all).all('one')).toEqual([{ id: 1, name: 'one' }]);
  db.exec('ALTER TABLE item ADD COLUMN size INTEGER');
  expect(db.prepare(all).all('one')).toEqual([{ id: 1, name: 'one', size: null }]);
  expect(() => db.prepare('SELECT name FROM nowhere')).toThrowError('no such table');
  // One that was forgotten is prepared anew.
  for (let index = 0; index < 600; index++)
    expect(db.prepare(`SELECT ${index} AS number`).get()).toEqual({ number: index });
  const again = db.prepare('INSERT INTO item (name) VALUES (?)');
  expect(again).not.toBe(insert);
  expect(insert.run('two').changes + again.run('three').changes).toBe(2);
  db.close();
});

it('is what the catalog in SQLite does', async () => {
  const orm = await openDatabase({ dialect: 'sqlite', file: ':memory:' });
  const connection = orm.em.getConnection();
  if (!(connection instanceof SqliteConnection)) throw new Error('not the connection of SQLite');
  const client = await connection.getNativeClient();
  expect(client.prepare('SELECT 1')).toBe(client.prepare('SELECT 1'));
  await orm.close(true);
});
