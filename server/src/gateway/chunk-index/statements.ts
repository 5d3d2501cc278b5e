import type Database from 'better-sqlite3';

export interface PackRow {
  number: number;
  id: Buffer;
  state: number;
  kind: number;
  domainId: Buffer | null;
  agentId: Buffer | null;
  session: number | null;
  sessionKey: Buffer | null;
  storedBytes: number;
  firstCopy: number;
  copies: number;
  checked: number;
}

export interface FrameRow {
  firstCopy: number;
  pack: number;
  offset: number;
  storedLength: number;
  plainLength: number;
  codec: number;
  storedCheck: Buffer;
  ownCheck: Buffer;
  ids: Buffer;
  lengths: Buffer;
}

export interface PointRow {
  id: Buffer;
  job: Buffer;
  root: Buffer;
  signed: Buffer;
  state: number;
}

const PACK = `SELECT pack.number, pack.id, pack.state, pack.kind, domain.id AS domainId, agent.id AS agentId, pack.session,
  pack.session_key AS sessionKey, pack.stored_bytes AS storedBytes, pack.first_copy AS firstCopy, pack.copies, pack.checked
  FROM pack LEFT JOIN domain ON domain.number = pack.domain LEFT JOIN agent ON agent.number = pack.agent`;

const FRAME = `SELECT first_copy AS firstCopy, pack, offset, stored_length AS storedLength, plain_length AS plainLength,
  codec, stored_check AS storedCheck, own_check AS ownCheck, ids, lengths FROM frame`;

export type Statements = ReturnType<typeof prepareStatements>;

/** Everything the index asks of its file, prepared once. */
export function prepareStatements(db: Database.Database) {
  return {
    insertAgent: db.prepare<[Buffer]>('INSERT OR IGNORE INTO agent (id) VALUES (?)'),
    agentNumber: db.prepare<[Buffer], number>('SELECT number FROM agent WHERE id = ?').pluck(),
    insertDomain: db.prepare<[Buffer]>('INSERT OR IGNORE INTO domain (id) VALUES (?)'),
    domainNumber: db.prepare<[Buffer], number>('SELECT number FROM domain WHERE id = ?').pluck(),
    voidAgent: db.prepare<[Buffer]>('UPDATE agent SET voided = 1 WHERE id = ?'),
    renewDamage: db.prepare("UPDATE meta SET value = randomblob(16) WHERE key = 'damage'"),
    renewDamageOf: db.prepare<[Buffer]>('UPDATE agent SET damage = randomblob(16) WHERE id = ?'),
    damage: db.prepare<[], Buffer>("SELECT value FROM meta WHERE key = 'damage'").pluck(),
    damageOf: db.prepare<[Buffer], Buffer>('SELECT damage FROM agent WHERE id = ?').pluck(),
    voidedAgents: db.prepare<[], Buffer>('SELECT id FROM agent WHERE voided = 1').pluck(),

    insertDoubt: db.prepare<[number, number]>('INSERT OR IGNORE INTO doubt (agent, copy) VALUES (?, ?)'),
    isDoubted: db.prepare<[number, number]>('SELECT 1 FROM doubt WHERE agent = ? AND copy = ?').pluck(),
    countDoubts: db.prepare<[number], number>('SELECT COUNT(*) FROM doubt WHERE agent = ?').pluck(),
    deleteDoubts: db.prepare<[number]>('DELETE FROM doubt WHERE agent = ?'),
    doubtsOf: db
      .prepare<[Buffer], number>('SELECT copy FROM doubt JOIN agent ON agent.number = doubt.agent WHERE agent.id = ?')
      .pluck(),

    insertSession: db.prepare(
      'INSERT INTO session (id, agent, job, epoch, kind, item, domain, opened_at_ms) VALUES (@id, @agent, @job, @epoch, @kind, @item, @domain, @openedAtMs)',
    ),
    setSessionState: db.prepare<[number, number]>('UPDATE session SET state = ? WHERE number = ?'),
    interruptSessions: db.prepare('UPDATE session SET state = 3 WHERE state = 0'),

    insertPack: db.prepare(
      'INSERT INTO pack (id, state, kind, domain, agent, session) VALUES (@id, 0, @kind, @domain, @agent, @session)',
    ),
    insertLeaked: db.prepare<[Buffer]>(
      'INSERT INTO pack (id, state) VALUES (?, 2) ON CONFLICT (id) DO UPDATE SET state = 2, agent = NULL, session = NULL WHERE state = 0',
    ),
    deleteArriving: db.prepare<[number]>('DELETE FROM pack WHERE number = ? AND state = 0'),
    deletePack: db.prepare<[number]>('DELETE FROM pack WHERE number = ? AND state <> 1'),
    storePack: db.prepare(
      'UPDATE pack SET state = 1, session_key = @sessionKey, stored_bytes = @storedBytes, first_copy = @firstCopy, copies = @copies WHERE number = @number AND state = 0',
    ),
    packById: db.prepare<[Buffer], PackRow>(`${PACK} WHERE pack.id = ?`),
    packByNumber: db.prepare<[number], PackRow>(`${PACK} WHERE pack.number = ?`),
    packIds: db.prepare<[number], Buffer>('SELECT id FROM pack WHERE state = ?').pluck(),
    unindexed: db.prepare<[number], PackRow>(
      `${PACK} WHERE pack.state = 1 AND pack.index_number IS NULL ORDER BY pack.number LIMIT ?`,
    ),
    unchecked: db.prepare<[number, number, number], PackRow>(
      `WITH shared AS MATERIALIZED (SELECT domain FROM session WHERE kind = 1 GROUP BY domain HAVING COUNT(DISTINCT agent) > 1)
       ${PACK} JOIN session ON session.number = pack.session WHERE pack.state = 1 AND pack.checked = 0
       AND (pack.kind, pack.number) > (?, ?) AND pack.domain IN (SELECT domain FROM shared)
       AND EXISTS (SELECT 1 FROM session AS committed WHERE committed.job = session.job AND committed.state = 1) ORDER BY pack.kind, pack.number LIMIT ?`,
    ),
    markIndexed: db.prepare<[number, number]>('UPDATE pack SET index_number = ? WHERE number = ?'),
    markChecked: db.prepare<[number]>('UPDATE pack SET checked = 1 WHERE number = ?'),
    checkKey: db.prepare<[], Buffer>("SELECT value FROM meta WHERE key = 'check_key'").pluck(),
    indexId: db.prepare<[], Buffer>("SELECT value FROM meta WHERE key = 'index_id'").pluck(),
    randomBytes: db.prepare<[number], Buffer>('SELECT randomblob(?)').pluck(),
    nextCopy: db.prepare<[], number>("SELECT value FROM meta WHERE key = 'next_copy'").pluck(),
    setNextCopy: db.prepare<[number]>("UPDATE meta SET value = ? WHERE key = 'next_copy'"),
    getIndexNumber: db.prepare<[], number>("SELECT value FROM meta WHERE key = 'next_index_number'").pluck(),
    setIndexNumber: db.prepare<[number]>("UPDATE meta SET value = ? WHERE key = 'next_index_number'"),

    states: db.prepare<[number], Buffer>('SELECT bits FROM states WHERE page = ?').pluck(),
    setStates: db.prepare<[number, Buffer]>('INSERT OR REPLACE INTO states (page, bits) VALUES (?, ?)'),

    markSuspect: db.prepare<[number]>(
      'INSERT INTO suspect (pack, mark) VALUES (?, randomblob(16)) ON CONFLICT (pack) DO UPDATE SET mark = excluded.mark',
    ),
    suspectMark: db.prepare<[number], Buffer>('SELECT mark FROM suspect WHERE pack = ?').pluck(),
    suspectPacks: db
      .prepare<[number, number], number>('SELECT pack FROM suspect WHERE pack > ? ORDER BY pack LIMIT ?')
      .pluck(),
    deleteSuspect: db.prepare<[number]>('DELETE FROM suspect WHERE pack = ?'),

    insertFrame: db.prepare(
      'INSERT INTO frame (first_copy, pack, offset, stored_length, plain_length, codec, stored_check, own_check, ids, lengths) VALUES (@firstCopy, @pack, @offset, @storedLength, @plainLength, @codec, @storedCheck, @ownCheck, @ids, @lengths)',
    ),
    insertEdges: db.prepare<[number, Buffer]>('INSERT INTO edges (copy, ids) VALUES (?, ?)'),
    chunkOfCopy: db
      .prepare<[number, number], Buffer>(
        'SELECT substr(ids, (? - first_copy) * 32 + 1, 32) FROM frame WHERE first_copy <= ? ORDER BY first_copy DESC LIMIT 1',
      )
      .pluck(),
    idsFrom: db.prepare<[number], { firstCopy: number; pack: number; ids: Buffer }>(
      'SELECT first_copy AS firstCopy, pack, ids FROM frame WHERE first_copy >= ? ORDER BY first_copy',
    ),
    frameOfCopy: db.prepare<[number], FrameRow>(`${FRAME} WHERE first_copy <= ? ORDER BY first_copy DESC LIMIT 1`),
    framesInRange: db.prepare<[number, number], FrameRow>(
      `${FRAME} WHERE first_copy >= ? AND first_copy < ? ORDER BY first_copy`,
    ),
    edgesInRange: db.prepare<[number, number], { copy: number; ids: Buffer }>(
      'SELECT copy, ids FROM edges WHERE copy >= ? AND copy < ?',
    ),
    anything: db.prepare<[], number>('SELECT EXISTS (SELECT 1 FROM session) OR EXISTS (SELECT 1 FROM pack)').pluck(),
    edges: db.prepare<[number], Buffer>('SELECT ids FROM edges WHERE copy = ?').pluck(),

    insertPoint: db.prepare<[Buffer, Buffer, Buffer, Buffer]>(
      'INSERT OR IGNORE INTO point (id, job, root, signed, state) VALUES (?, ?, ?, ?, 0)',
    ),
    pointByJob: db.prepare<[Buffer, Buffer], PointRow>('SELECT * FROM point WHERE job = ? AND root = ?'),
    pointById: db.prepare<[Buffer], PointRow>('SELECT * FROM point WHERE id = ?'),
    setPointState: db.prepare<[number, Buffer]>('UPDATE point SET state = MAX(state, ?) WHERE id = ?'),
  };
}
