import { rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import { areSound } from './check-rows.js';
import { ENTRY_BYTES } from './entry.js';
import { type EntryStatements, prepareEntryStatements } from './entry-statements.js';
import { PieceFile } from './piece-file.js';
import { holdsDoubtfulPieces } from './piece-store.js';

/**
 * Where chunks are found by id: sorted runs of entries (sorted-runs.ts), their bytes in a plain file, and
 * what is known of them in a database beside it. A run is written once, in pieces, and merged into a
 * greater one later, so that a chunk costs a vault of any size the same few sequential writes; a B-tree
 * by id dirties a page for every insertion.
 *
 * All of it is derived from the frames in the index file, which were durable before: hardly anything here
 * waits for the disk, a power cut may take the newest runs away, and files that are damaged or do not
 * belong to the index are made anew.
 *
 * run.merges_into  the run that takes in its entries; absent while it rests
 * piece.slot       where in the plain file its entries are
 * piece.skip       entries at its front that the greater run has taken in already
 * piece.low, high  of its first and last id, see piece-keys.ts
 *
 * SQLite finds no value that the disk has changed, so rows, keys and entries have checksums: rows are compared with
 * theirs when the files are opened, keys and entries when they are read. Then it is too late to make them
 * anew, and the answer is INDEX_DAMAGED.
 */
const VERSION = 2;

const TABLES = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE run (number INTEGER PRIMARY KEY AUTOINCREMENT, merges_into INTEGER, merges_check INTEGER);
CREATE TABLE piece (
  number INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, slot INTEGER NOT NULL, entries INTEGER NOT NULL,
  low INTEGER NOT NULL, high INTEGER NOT NULL, row_check INTEGER NOT NULL, skip INTEGER NOT NULL DEFAULT 0,
  sha256 BLOB NOT NULL, keys BLOB NOT NULL, keys_check INTEGER NOT NULL
);
`;

export interface EntriesFile {
  readonly db: Database.Database;
  readonly sql: EntryStatements;
  readonly file: PieceFile;
}

export interface EntriesPlace {
  /** The database; the plain file is named alike. */
  readonly path: string;
  /** Drawn by the index when it was made. */
  readonly indexId: Buffer;
  /** Copies that the index has: entries of later ones are of another history of it. */
  readonly copies: number;
  readonly pieceEntries: number;
}

export function openEntriesFile(place: EntriesPlace): EntriesFile {
  const found = open(place);
  if (found && belongs(found, place)) return found;
  found?.db.close();
  found?.file.close();
  for (const suffix of ['', '-wal', '-shm', '.pieces']) rmSync(place.path + suffix, { force: true });
  return connect(place, (db) => {
    db.exec(TABLES);
    const put = db.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
    put.run('index_id', place.indexId);
    put.run('piece_entries', place.pieceEntries);
    // Copies from this number on stand in no run yet.
    put.run('next_to_sort', 0);
    put.run('durable_piece', 0);
    db.pragma(`user_version = ${VERSION}`);
  });
}

/** Undefined for files that are damaged or of another kind. */
function open(place: EntriesPlace): EntriesFile | undefined {
  try {
    return connect(place, undefined);
  } catch (error) {
    if (error instanceof Database.SqliteError && isUseless(error)) return undefined;
    throw error;
  }
}

function connect(
  { path, pieceEntries }: EntriesPlace,
  make: ((db: Database.Database) => void) | undefined,
): EntriesFile {
  const db = new Database(path, { timeout: 10_000 });
  try {
    db.pragma('locking_mode = EXCLUSIVE');
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = NORMAL');
    db.pragma('cache_size = -2048');
    if (make) db.transaction(() => make(db)).immediate();
    const sql = prepareEntryStatements(db);
    return { db, sql, file: new PieceFile(`${path}.pieces`, pieceEntries * ENTRY_BYTES) };
  } catch (error) {
    db.close();
    throw error;
  }
}

function belongs({ db, sql, file }: EntriesFile, { indexId, copies, pieceEntries }: EntriesPlace): boolean {
  try {
    return (
      db.pragma('user_version', { simple: true }) === VERSION &&
      isSame(sql.indexId.get(), indexId) &&
      sql.pieceEntries.get() === pieceEntries &&
      (sql.nextToSort.get() ?? Number.POSITIVE_INFINITY) <= copies &&
      areSound(sql, pieceEntries, file.slots()) &&
      holdsDoubtfulPieces(sql, file)
    );
  } catch (error) {
    if (error instanceof Database.SqliteError && isUseless(error)) return false;
    throw error;
  }
}

/** Whatever stands there instead. */
function isSame(found: unknown, expected: Buffer): boolean {
  return Buffer.isBuffer(found) && found.equals(expected);
}

function isUseless({ code }: { code: string }): boolean {
  // SQLITE_ERROR: without the tables that the statements name.
  return ['SQLITE_CORRUPT', 'SQLITE_NOTADB', 'SQLITE_ERROR'].some((start) => code.startsWith(start));
}
