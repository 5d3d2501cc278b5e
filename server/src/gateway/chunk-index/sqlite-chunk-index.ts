import {
  decodeWrappedSessionKey,
  encodeWrappedSessionKey,
  type FrameEntry,
  type PackFooter,
  PackKind,
} from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import Database from 'better-sqlite3';
import { addIfAmongBest } from './best-copies.js';
import { ChunkEntries, type FrameIds } from './chunk-entries.js';
import type { ChunkIndex, Copy, NewSession, Pack, Point, StoredFrame, SuspectPack, Worth } from './chunk-index.js';
import { CopyDamage } from './copy-damage.js';
import { CopyStates } from './copy-states.js';
import { ID_BYTES } from './entry.js';
import { asIndexError } from './index-errors.js';
import {
  NO_BYTES,
  PACK_STATES,
  POINT_STATES,
  required,
  SESSION_STATES,
  toFrame,
  toPack,
  toPoint,
} from './index-rows.js';
import { prepareSchema } from './index-schema.js';
import type { RunSizes } from './merge-runs.js';
import type { PageBudget } from './page-budget.js';
import { prepareStatements, type Statements } from './statements.js';

const STORED = PACK_STATES.indexOf('stored');
/** Packs kept in memory, so that a look-up of a chunk need not ask who uploaded its pack each time. */
const REMEMBERED_PACKS = 20_000;
/** Of one agent; with more it begins anew, so that nobody fills the file or a session's memory. */
const MOST_DOUBTS = 20_000;

export interface IndexOptions {
  /** One for all indexes of a process. */
  readonly pages: PageBudget;
  /** Smaller runs, for tests. */
  readonly sizes?: RunSizes;
}

/**
 * Opens or creates the index file of a vault, and what is derived from it beside it.
 * The file is locked: a second process fails. Throws IllegalState for a file that is not this
 * vault's or that a newer server wrote.
 */
export function openSqliteChunkIndex(path: string, vaultId: string, options: IndexOptions): ChunkIndex {
  let db: Database.Database | undefined;
  try {
    db = new Database(path, { timeout: 10_000 });
    db.pragma('locking_mode = EXCLUSIVE');
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('cache_size = -8192');
    db.pragma('wal_autocheckpoint = 4000');
    prepareSchema(db, uuidToBytes(vaultId));
    return new SqliteChunkIndex(db, vaultId, options);
  } catch (error) {
    db?.close();
    throw asIndexError(error);
  }
}

function entriesPath(path: string): string {
  return `${path.replace(/\.sqlite$/, '')}.entries.sqlite`;
}

class SqliteChunkIndex implements ChunkIndex {
  private readonly sql: Statements;
  private readonly packs = new Map<number, Pack>();
  private readonly voided: Set<string>;
  private readonly states: CopyStates;
  private readonly damage: CopyDamage;
  private readonly entries: ChunkEntries;

  constructor(
    private readonly db: Database.Database,
    private readonly vaultId: string,
    { pages, sizes }: IndexOptions,
  ) {
    this.sql = prepareStatements(db);
    this.states = new CopyStates(this.sql, pages);
    this.damage = new CopyDamage(this.sql, this.states, (copy) => this.packByNumber(this.frameOf(copy).pack));
    this.entries = new ChunkEntries({
      path: entriesPath(db.name),
      indexId: required(this.sql.indexId.get()),
      copies: required(this.sql.nextCopy.get()),
      framesFrom: (copy) => this.sql.idsFrom.iterate(copy),
      frameOf: (copy) => required(this.sql.frameOfCopy.get(copy)),
      pages,
      sizes,
    });
    this.voided = new Set(this.sql.voidedAgents.all().map(uuidFromBytes));
  }

  isNew(): boolean {
    return this.read(() => this.sql.anything.get()) === 0;
  }

  recordSession(session: NewSession): number {
    return this.write(() => {
      const done = this.sql.insertSession.run({
        id: uuidToBytes(session.id),
        agent: this.agent(session.agentId),
        job: uuidToBytes(session.jobId),
        epoch: session.epoch,
        kind: session.kind === 'backup' ? 1 : 2,
        item: uuidToBytes(session.itemId),
        domain: this.domain(session.domainId),
        openedAtMs: session.openedAtMs,
      });
      return Number(done.lastInsertRowid);
    });
  }

  setSessionState(session: number, state: (typeof SESSION_STATES)[number]): void {
    this.write(() => this.sql.setSessionState.run(SESSION_STATES.indexOf(state), session));
  }

  interruptOpenSessions(): number {
    return this.write(() => this.sql.interruptSessions.run().changes);
  }

  recordArrivingPack(pack: {
    id: string;
    kind: PackKind;
    domainId: string;
    uploaderId: string;
    session: number;
  }): number {
    return this.writeUnsynced(() => {
      const id = uuidToBytes(pack.id);
      const known = this.sql.packById.get(id);
      if (known) {
        const ofAnother = known.agentId !== null && !known.agentId.equals(uuidToBytes(pack.uploaderId));
        if (known.state === STORED || ofAnother) {
          throw new HoldfastError({
            kind: 'Conflict',
            code: 'PACK_ID_TAKEN',
            message: 'A pack with this id exists already.',
          });
        }
        // Under a new number, so that whoever received the earlier attempt cannot touch this one.
        this.sql.deletePack.run(known.number);
        this.packs.delete(known.number);
      }
      const done = this.sql.insertPack.run({
        id,
        kind: pack.kind,
        domain: this.domain(pack.domainId),
        agent: this.agent(pack.uploaderId),
        session: pack.session,
      });
      return Number(done.lastInsertRowid);
    });
  }

  recordStoredPack(pack: number, footer: PackFooter, storedBytes: number): Pack {
    this.read(() => this.entries.makeRoom());
    const frames: FrameIds[] = [];
    this.write(() => {
      const first = required(this.sql.nextCopy.get());
      let next = first;
      for (const frame of footer.frames) {
        this.insertFrame(pack, next, frame);
        frames.push({ ids: frame.chunkIds, firstCopy: next, pack });
        next += frame.chunkLengths.length;
      }
      const copies = next - first;
      this.sql.setNextCopy.run(first + copies);
      const key = encodeWrappedSessionKey(required(footer.sessionKey));
      const done = this.sql.storePack.run({ number: pack, sessionKey: key, storedBytes, firstCopy: first, copies });
      if (done.changes !== 1)
        throw new HoldfastError({
          kind: 'IllegalState',
          code: 'PACK_NOT_ARRIVING',
          message: 'The pack is not being received.',
        });
    });
    this.entries.add(frames);
    this.packs.delete(pack);
    return this.packByNumber(pack);
  }

  forgetArrivingPack(pack: number): void {
    this.packs.delete(pack);
    this.write(() => this.sql.deleteArriving.run(pack));
  }

  recordLeakedPacks(ids: readonly string[]): void {
    this.write(() => {
      for (const id of ids) this.sql.insertLeaked.run(uuidToBytes(id));
    });
    this.packs.clear();
  }

  findPack(id: string): Pack | undefined {
    const row = this.read(() => this.sql.packById.get(uuidToBytes(id)));
    return row && toPack(row);
  }

  packByNumber(number: number): Pack {
    const known = this.packs.get(number);
    if (known) return known;
    const pack = toPack(required(this.read(() => this.sql.packByNumber.get(number))));
    if (this.packs.size >= REMEMBERED_PACKS) this.packs.delete(required(this.packs.keys().next().value));
    this.packs.set(number, pack);
    return pack;
  }

  packIds(state: (typeof PACK_STATES)[number]): string[] {
    return this.read(() => this.sql.packIds.all(PACK_STATES.indexOf(state))).map(uuidFromBytes);
  }

  unindexedPacks(limit: number): Pack[] {
    return this.read(() => this.sql.unindexed.all(limit)).map(toPack);
  }

  uncheckedPacks(limit: number): Pack[] {
    return this.read(() => this.sql.unchecked.all(limit)).map(toPack);
  }

  markIndexed(packs: readonly number[], indexNumber: number): void {
    this.write(() => {
      for (const pack of packs) this.sql.markIndexed.run(indexNumber, pack);
      this.sql.setIndexNumber.run(Math.max(this.nextIndexNumber(), indexNumber + 1));
    });
  }

  markChecked(pack: number): void {
    this.write(() => this.sql.markChecked.run(pack));
    this.packs.delete(pack);
  }

  nextIndexNumber(): number {
    return required(this.read(() => this.sql.getIndexNumber.get()));
  }

  skipIndexNumbersTo(next: number): void {
    this.write(() => this.sql.setIndexNumber.run(Math.max(this.nextIndexNumber(), next)));
  }

  tend(): boolean {
    return this.read(() => this.entries.tend());
  }

  lookup(ids: Buffer, worth: Worth = () => 1): Copy[][] {
    return this.read(() => {
      const found = Array.from({ length: ids.length / ID_BYTES }, (): Copy[] => []);
      this.entries.find(ids, (place, number, pack) => {
        addIfAmongBest(required(found[place]), { number, pack, state: this.states.of(number) }, worth);
      });
      for (const copies of found) if (copies.length > 1) copies.sort((a, b) => a.number - b.number);
      return found;
    });
  }

  chunkIdOf(copy: number): Buffer {
    return required(this.read(() => this.sql.chunkOfCopy.get(copy, copy)));
  }

  frameOf(copy: number): StoredFrame {
    return toFrame(required(this.read(() => this.sql.frameOfCopy.get(copy))));
  }

  framesOf(pack: Pack): StoredFrame[] {
    return this.read(() => this.sql.framesInRange.all(pack.firstCopy, pack.firstCopy + pack.copies)).map(toFrame);
  }

  edgesOf(copy: number): Buffer {
    return this.read(() => this.sql.edges.get(copy)) ?? NO_BYTES;
  }

  currentState(copy: number): number {
    return this.read(() => this.states.of(copy));
  }

  changeState(copies: readonly number[], change: { set?: number; clear?: number }): void {
    if (copies.length === 0) return;
    this.writeStates(() => {
      this.damage.note(copies, change.set ?? 0);
      this.states.change(copies, change.set ?? 0, change.clear ?? 0);
    });
  }

  suspectPacks(after: number, limit: number): SuspectPack[] {
    return this.read(() => this.damage.packsAfter(after, limit)).map((number) => required(this.suspectPack(number)));
  }

  suspectPack(number: number): SuspectPack | undefined {
    const mark = this.read(() => this.damage.markOf(number));
    return mark && { pack: this.packByNumber(number), mark };
  }

  clearSuspect({ pack, mark }: SuspectPack, copies: readonly number[]): boolean {
    return this.writeStates(() => {
      if (!this.damage.markOf(pack.number)?.equals(mark)) return false;
      this.damage.clear(pack, copies);
      return true;
    });
  }

  frameEntry(frame: StoredFrame, kind: PackKind): FrameEntry {
    const count = frame.chunkIds.length / ID_BYTES;
    const edges: Buffer[] = kind === PackKind.PACK_KIND_NODE ? new Array<Buffer>(count).fill(NO_BYTES) : [];
    if (kind === PackKind.PACK_KIND_NODE) {
      for (const row of this.read(() => this.sql.edgesInRange.all(frame.firstCopy, frame.firstCopy + count)))
        edges[row.copy - frame.firstCopy] = row.ids;
    }
    return {
      offset: BigInt(frame.offset),
      storedLength: frame.storedLength,
      codec: frame.codec,
      plainLength: frame.plainLength,
      storedSha256: frame.sha256,
      chunkIds: frame.chunkIds,
      chunkLengths: Array.from({ length: count }, (_, place) => frame.chunkLengths.readUInt32LE(place * 4)),
      edges,
    };
  }

  footerOf(pack: Pack): PackFooter {
    return {
      vaultId: uuidToBytes(this.vaultId),
      packId: uuidToBytes(pack.id),
      kind: pack.kind,
      domainId: uuidToBytes(pack.domainId),
      sessionKey: decodeWrappedSessionKey(pack.sessionKey),
      frames: this.framesOf(pack).map((frame) => this.frameEntry(frame, pack.kind)),
      uploaderId: uuidToBytes(pack.uploaderId),
    };
  }

  damageKnownTo(agentId: string): Buffer {
    const { damage, damageOf } = this.sql;
    return this.read(() => Buffer.concat([required(damage.get()), damageOf.get(uuidToBytes(agentId)) ?? NO_BYTES]));
  }

  doubt(agentId: string, copies: readonly number[]): void {
    this.writeUnsynced(() => {
      const agent = this.agent(agentId);
      if (copies.every((copy) => this.sql.isDoubted.get(agent, copy) !== undefined)) return;
      if (required(this.sql.countDoubts.get(agent)) + copies.length > MOST_DOUBTS) this.sql.deleteDoubts.run(agent);
      for (const copy of copies) this.sql.insertDoubt.run(agent, copy);
    });
  }

  doubtsOf(agentId: string): ReadonlySet<number> {
    return new Set(this.read(() => this.sql.doubtsOf.all(uuidToBytes(agentId))));
  }

  isVoided(agentId: string): boolean {
    return this.voided.has(agentId);
  }

  voidAgent(agentId: string): void {
    this.write(() => {
      this.agent(agentId);
      this.sql.voidAgent.run(uuidToBytes(agentId));
    });
    this.voided.add(agentId);
  }

  savePoint(point: Omit<Point, 'state'>): Point {
    this.write(() =>
      this.sql.insertPoint.run(uuidToBytes(point.id), uuidToBytes(point.jobId), point.root, point.signed),
    );
    return required(this.findPoint(point.jobId, point.root));
  }

  findPoint(jobId: string, root: Buffer): Point | undefined {
    const row = this.read(() => this.sql.pointByJob.get(uuidToBytes(jobId), root));
    return row && toPoint(row);
  }

  pointById(id: string): Point | undefined {
    const row = this.read(() => this.sql.pointById.get(uuidToBytes(id)));
    return row && toPoint(row);
  }

  setPointState(id: string, state: (typeof POINT_STATES)[number]): void {
    this.write(() => this.sql.setPointState.run(POINT_STATES.indexOf(state), uuidToBytes(id)));
  }

  close(): void {
    this.entries.close();
    this.states.forget();
    this.db.close();
  }

  private insertFrame(pack: number, firstCopy: number, frame: FrameEntry): void {
    const lengths = Buffer.alloc(frame.chunkLengths.length * 4);
    for (const [place, length] of frame.chunkLengths.entries()) lengths.writeUInt32LE(length, place * 4);
    this.sql.insertFrame.run({
      firstCopy,
      pack,
      offset: Number(frame.offset),
      storedLength: frame.storedLength,
      plainLength: frame.plainLength,
      codec: frame.codec,
      sha256: frame.storedSha256,
      ids: frame.chunkIds,
      lengths,
    });
    for (const [place, edges] of frame.edges.entries())
      if (edges.length > 0) this.sql.insertEdges.run(firstCopy + place, edges);
  }

  private agent(id: string): number {
    this.sql.insertAgent.run(uuidToBytes(id));
    return required(this.sql.agentNumber.get(uuidToBytes(id)));
  }

  private domain(id: string): number {
    this.sql.insertDomain.run(uuidToBytes(id));
    return required(this.sql.domainNumber.get(uuidToBytes(id)));
  }

  private write<T>(work: () => T): T {
    try {
      return this.db.transaction(work).immediate();
    } catch (error) {
      throw asIndexError(error);
    }
  }

  private writeStates<T>(work: () => T): T {
    try {
      return this.write(work);
    } catch (error) {
      this.states.forget();
      throw error;
    }
  }

  /** Without waiting for the disk; the next synced write carries it there as well. */
  private writeUnsynced<T>(work: () => T): T {
    this.db.pragma('synchronous = NORMAL');
    try {
      return this.write(work);
    } finally {
      this.db.pragma('synchronous = FULL');
    }
  }

  private read<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw asIndexError(error);
    }
  }
}
