import { HoldfastError } from '@holdfast/core/errors';
import type Database from 'better-sqlite3';

/**
 * The chunk index of one vault. It is derived from the vault's packs and could be built again, but
 * it decides what exists, so it is durable before anything built on it is acknowledged.
 *
 * Copies have dense numbers. A pack's copies are a run of numbers, so are a frame's, and a copy's
 * place in its frame is its number minus the frame's first: a frame is found by a copy's number
 * alone, and sets of copies are bitmaps.
 *
 * By id a chunk is found in another file, which is derived from the frames (chunk-entries.ts).
 *
 * A pack's number is never used again either: whoever still holds that of a forgotten pack touches no other.
 *
 * meta.damage      made up anew whenever copies turn out suspect (stored bytes that changed, whoever uploaded them), or bad after they were verified
 * meta.check_key   secret, of frame.own_check: whoever writes to the store can make other bytes fit the check in a frame's entry, and not this one
 * agent.voided     its unverified copies count for nobody
 * agent.damage     made up anew whenever copies that it uploaded turn out bad before anybody else could rely on them
 * doubt            copies that count for nothing new of this agent, although nothing is known to be wrong with them
 * suspect          packs with suspect copies; the mark is made up anew with each that turns out to be one
 * session.state    0 open, 1 committed, 2 ended, 3 interrupted by a restart
 * pack.state       0 arriving (the file may or may not exist), 1 stored, 2 leaked (a file without rows)
 * pack.checked     control's verdict on its chunks is in
 * pack.index_number  the index object that carries its footer
 * states.bits      a byte for each of 4,000 copies, see copy-state.ts; a missing row is all zeros
 * point.state      0 prepared, 1 stored, 2 recorded by control
 */
const SCHEMA_VERSION = 6;

const TABLES = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE agent (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, voided INTEGER NOT NULL DEFAULT 0, damage BLOB NOT NULL DEFAULT x'');
CREATE TABLE domain (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE);
CREATE TABLE session (
  number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, agent INTEGER NOT NULL, job BLOB NOT NULL, epoch INTEGER NOT NULL,
  kind INTEGER NOT NULL, item BLOB NOT NULL, domain INTEGER NOT NULL, state INTEGER NOT NULL DEFAULT 0, opened_at_ms INTEGER NOT NULL
);
CREATE INDEX session_by_job ON session (job);
CREATE INDEX session_open ON session (state) WHERE state = 0;
CREATE TABLE pack (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, state INTEGER NOT NULL, kind INTEGER NOT NULL DEFAULT 0,
  domain INTEGER, agent INTEGER, session INTEGER, session_key BLOB, stored_bytes INTEGER NOT NULL DEFAULT 0,
  first_copy INTEGER NOT NULL DEFAULT 0, copies INTEGER NOT NULL DEFAULT 0, checked INTEGER NOT NULL DEFAULT 0, index_number INTEGER
);
CREATE INDEX pack_by_session ON pack (session);
CREATE INDEX pack_arriving ON pack (state) WHERE state <> 1;
CREATE INDEX pack_unindexed ON pack (number) WHERE state = 1 AND index_number IS NULL;
CREATE INDEX pack_unchecked ON pack (kind, number) WHERE state = 1 AND checked = 0;
CREATE TABLE frame (
  first_copy INTEGER PRIMARY KEY, pack INTEGER NOT NULL, offset INTEGER NOT NULL, stored_length INTEGER NOT NULL,
  plain_length INTEGER NOT NULL, codec INTEGER NOT NULL, stored_check BLOB NOT NULL, own_check BLOB NOT NULL, ids BLOB NOT NULL, lengths BLOB NOT NULL
);
CREATE TABLE states (page INTEGER PRIMARY KEY, bits BLOB NOT NULL);
CREATE TABLE doubt (agent INTEGER NOT NULL, copy INTEGER NOT NULL, PRIMARY KEY (agent, copy)) WITHOUT ROWID;
CREATE TABLE suspect (pack INTEGER PRIMARY KEY, mark BLOB NOT NULL);
CREATE TABLE edges (copy INTEGER PRIMARY KEY, ids BLOB NOT NULL);
CREATE TABLE point (
  id BLOB PRIMARY KEY, job BLOB NOT NULL, root BLOB NOT NULL, signed BLOB NOT NULL, state INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX point_by_job ON point (job, root);
`;

/** Makes the tables of a new file, or checks that an existing one is this vault's and of a version that this build knows. */
export function prepareSchema(db: Database.Database, vaultId: Buffer): void {
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version > SCHEMA_VERSION) {
    throw new HoldfastError({
      kind: 'IllegalState',
      code: 'INDEX_TOO_NEW',
      message: `The chunk index has schema version ${version}; this server knows ${SCHEMA_VERSION}. Run the newer server.`,
    });
  }
  if (version !== 0 && version < SCHEMA_VERSION) {
    throw new HoldfastError({
      kind: 'IllegalState',
      code: 'INDEX_TOO_OLD',
      message: `The chunk index has schema version ${version}, of a server before the first release; this server knows ${SCHEMA_VERSION}.`,
    });
  }
  if (version === 0) {
    db.transaction(() => {
      db.exec(TABLES);
      const put = db.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
      put.run('schema_version', SCHEMA_VERSION);
      put.run('vault_id', vaultId);
      db.exec(
        "INSERT INTO meta (key, value) VALUES ('index_id', randomblob(16)), ('damage', randomblob(16)), ('check_key', randomblob(32))",
      );
      put.run('next_index_number', 1);
      // A counter of its own: a number is never used again, also after the newest pack is gone.
      put.run('next_copy', 0);
      db.pragma(`user_version = ${SCHEMA_VERSION}`);
    }).immediate();
    return;
  }
  const owner = db.prepare<[], Buffer>("SELECT value FROM meta WHERE key = 'vault_id'").pluck().get();
  if (!owner?.equals(vaultId)) {
    throw new HoldfastError({
      kind: 'IllegalState',
      code: 'INDEX_OF_ANOTHER_VAULT',
      message: 'The chunk index file belongs to another vault.',
    });
  }
}
