import type Database from 'better-sqlite3';

export interface PieceRow {
  number: number;
  run: number;
  slot: number;
  entries: number;
  skip: number;
  low: number;
  high: number;
}

export type EntryStatements = ReturnType<typeof prepareEntryStatements>;

/** Everything that is asked of the database about entries, prepared once. */
export function prepareEntryStatements(db: Database.Database) {
  const value = (key: string) => db.prepare<[], number>(`SELECT value FROM meta WHERE key = '${key}'`).pluck();
  const setValue = (key: string) => db.prepare<[number]>(`UPDATE meta SET value = ? WHERE key = '${key}'`);
  return {
    indexId: db.prepare<[], Buffer>("SELECT value FROM meta WHERE key = 'index_id'").pluck(),
    pieceEntries: value('piece_entries'),
    nextToSort: value('next_to_sort'),
    setNextToSort: setValue('next_to_sort'),
    setDurablePiece: setValue('durable_piece'),
    secret: db.prepare<[], Buffer>('SELECT randomblob(32)').pluck(),

    runs: db.prepare<[], { number: number; mergesInto: number | null }>(
      'SELECT number, merges_into AS mergesInto FROM run ORDER BY number',
    ),
    insertRun: db.prepare('INSERT INTO run DEFAULT VALUES'),
    mergeRun: db.prepare<[{ run: number; into: number }]>(
      'UPDATE run SET merges_into = @into, merges_check = ~@into WHERE number = @run',
    ),
    deleteRun: db.prepare<[number]>('DELETE FROM run WHERE number = ?'),

    allRuns: db.prepare<[], unknown[]>('SELECT number, merges_into, merges_check FROM run ORDER BY number').raw(),
    allPieces: db
      .prepare<[], unknown[]>('SELECT run, slot, entries, low, high, skip, row_check FROM piece ORDER BY run, number')
      .raw(),
    pieces: db.prepare<[], PieceRow>('SELECT number, run, slot, entries, skip, low, high FROM piece ORDER BY number'),
    // Those that may not have come to the disk; the newest and the last, by which a file of another time is known.
    doubtfulPieces: db.prepare<[], { slot: number; entries: number; sha256: Buffer }>(
      `SELECT slot, entries, sha256 FROM piece WHERE number > (SELECT value FROM meta WHERE key = 'durable_piece')
       OR number = (SELECT MAX(number) FROM piece) OR slot = (SELECT MAX(slot) FROM piece)`,
    ),
    countUnsynced: db
      .prepare<[], number>(
        "SELECT COUNT(*) FROM piece WHERE number > (SELECT value FROM meta WHERE key = 'durable_piece')",
      )
      .pluck(),
    lastPiece: db.prepare<[], number | null>('SELECT MAX(number) FROM piece').pluck(),
    slots: db.prepare<[], number>('SELECT slot FROM piece').pluck(),
    pieceKeys: db.prepare<[number], { keys: Buffer; keysCheck: number }>(
      'SELECT keys, keys_check AS keysCheck FROM piece WHERE number = ?',
    ),
    insertPiece: db.prepare(
      `INSERT INTO piece (run, slot, entries, low, high, row_check, sha256, keys, keys_check)
       VALUES (@run, @slot, @entries, @low, @high, @rowCheck, @sha256, @keys, @keysCheck)`,
    ),
    skipEntries: db.prepare<[number, number]>('UPDATE piece SET skip = ? WHERE number = ?'),
    deletePiece: db.prepare<[number]>('DELETE FROM piece WHERE number = ?'),
  };
}
