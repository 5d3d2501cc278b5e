import { uuidToBytes } from '@holdfast/core/ids';
import Database from 'better-sqlite3';
import { asIndexError } from './index-errors.js';
import { required } from './index-rows.js';
import { prepareSchema } from './index-schema.js';
import { prepareStatements, type Statements } from './statements.js';

/** The index's own file: everything that is asked of it, with its failures in words. */
export class IndexFile {
  readonly sql: Statements;

  private constructor(private readonly db: Database.Database) {
    this.sql = prepareStatements(db);
  }

  /** Makes the file, or opens the one that is there and locks it. */
  static open(path: string, vaultId: string): IndexFile {
    let db: Database.Database | undefined;
    try {
      db = new Database(path, { timeout: 10_000 });
      db.pragma('locking_mode = EXCLUSIVE');
      db.pragma('journal_mode = WAL');
      db.pragma('synchronous = FULL');
      db.pragma('cache_size = -8192');
      db.pragma('wal_autocheckpoint = 4000');
      prepareSchema(db, uuidToBytes(vaultId));
      return new IndexFile(db);
    } catch (error) {
      db?.close();
      throw asIndexError(error);
    }
  }

  read<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw asIndexError(error);
    }
  }

  /** In one transaction, durable when it returns. */
  write<T>(work: () => T): T {
    try {
      return this.db.transaction(work).immediate();
    } catch (error) {
      throw asIndexError(error);
    }
  }

  /** Without waiting for the disk; the next synced write carries it there as well. */
  writeUnsynced<T>(work: () => T): T {
    this.db.pragma('synchronous = NORMAL');
    try {
      return this.write(work);
    } finally {
      this.db.pragma('synchronous = FULL');
    }
  }

  /** The agent's number, which it gets now if it has none. Within a transaction. */
  agent(id: string): number {
    this.sql.insertAgent.run(uuidToBytes(id));
    return required(this.sql.agentNumber.get(uuidToBytes(id)));
  }

  domain(id: string): number {
    this.sql.insertDomain.run(uuidToBytes(id));
    return required(this.sql.domainNumber.get(uuidToBytes(id)));
  }

  close(): void {
    this.db.close();
  }
}
