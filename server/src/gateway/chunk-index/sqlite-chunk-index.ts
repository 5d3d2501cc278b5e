import type { FrameEntry, PackFooter, PackKind } from '@holdfast/core/engine';
import { AgentRows } from './agent-rows.js';
import { addIfAmongBest } from './best-copies.js';
import { ChunkEntries, type EntrySizes, type FrameIds } from './chunk-entries.js';
import type {
  ChunkIndex,
  Copy,
  NewSession,
  Pack,
  PackContent,
  PackState,
  Point,
  PointState,
  SessionState,
  StoredFrame,
  SuspectPack,
  Worth,
} from './chunk-index.js';
import { CopyDamage } from './copy-damage.js';
import { CopyStates } from './copy-states.js';
import { ID_BYTES } from './entry.js';
import { FrameRows } from './frame-rows.js';
import { asIndexError } from './index-errors.js';
import { IndexFile } from './index-file.js';
import { required } from './index-rows.js';
import { type ArrivingPack, PackRows } from './pack-rows.js';
import type { PageBudget } from './page-budget.js';
import { PointRows } from './point-rows.js';
import { SessionRows } from './session-rows.js';

export interface IndexOptions {
  /** One for all indexes of a process. */
  readonly pages: PageBudget;
  /** Smaller ones, for tests. */
  readonly sizes?: EntrySizes;
}

/**
 * Opens or creates the index file of a vault, and what is derived from it beside it.
 * The file is locked: a second process fails. Throws IllegalState for a file that is not this
 * vault's or that a newer server wrote.
 */
export function openSqliteChunkIndex(path: string, vaultId: string, options: IndexOptions): ChunkIndex {
  const file = IndexFile.open(path, vaultId);
  try {
    return new SqliteChunkIndex(file, entriesPath(path), vaultId, options);
  } catch (error) {
    file.close();
    throw asIndexError(error);
  }
}

function entriesPath(path: string): string {
  return `${path.replace(/\.sqlite$/, '')}.entries`;
}

/** Rows by what they are of stand in classes of their own; what spans them is here: storing a pack, finding copies, and what is known of each. */
class SqliteChunkIndex implements ChunkIndex {
  readonly checkKey: Buffer;
  private readonly sessions: SessionRows;
  private readonly packs: PackRows;
  private readonly frames: FrameRows;
  private readonly agents: AgentRows;
  private readonly points: PointRows;
  private readonly states: CopyStates;
  private readonly damage: CopyDamage;
  private opened: ChunkEntries | undefined;

  constructor(
    private readonly file: IndexFile,
    private readonly pathOfEntries: string,
    vaultId: string,
    private readonly options: IndexOptions,
  ) {
    const { sql } = file;
    this.checkKey = required(sql.checkKey.get());
    this.sessions = new SessionRows(file);
    this.packs = new PackRows(file);
    this.frames = new FrameRows(file, vaultId);
    this.agents = new AgentRows(file);
    this.points = new PointRows(file);
    this.states = new CopyStates(sql, options.pages);
    this.damage = new CopyDamage(sql, this.states, (copy) => this.packs.byNumber(this.frames.of(copy).pack));
  }

  private get entries(): ChunkEntries {
    this.readEntries();
    return required(this.opened);
  }

  private openEntries(): ChunkEntries {
    const { sql } = this.file;
    return ChunkEntries.open({
      path: this.pathOfEntries,
      indexId: required(sql.indexId.get()),
      copies: required(sql.nextCopy.get()),
      framesFrom: (copy) => sql.idsFrom.iterate(copy),
      frameOf: (copy) => required(sql.frameOfCopy.get(copy)),
      draw: (bytes) => required(sql.randomBytes.get(bytes)),
      sizes: this.options.sizes,
    });
  }

  isNew(): boolean {
    return this.file.read(() => this.file.sql.anything.get()) === 0;
  }

  readEntries(): void {
    this.opened ??= this.file.read(() => this.openEntries());
  }

  recordSession(session: NewSession): number {
    return this.sessions.record(session);
  }

  setSessionState(session: number, state: SessionState): void {
    this.sessions.setState(session, state);
  }

  interruptOpenSessions(): number {
    return this.sessions.interruptOpen();
  }

  recordArrivingPack(pack: ArrivingPack): number {
    return this.packs.recordArriving(pack);
  }

  recordStoredPack(pack: number, { footer, ownChecks }: PackContent, storedBytes: number): Pack {
    const { file, frames, packs, entries } = this;
    const firstCopy = required(file.read(() => file.sql.nextCopy.get()));
    const stored: FrameIds[] = [];
    let next = firstCopy;
    for (const { chunkIds, chunkLengths } of footer.frames) {
      stored.push({ ids: chunkIds, firstCopy: next, pack });
      next += chunkLengths.length;
    }
    file.read(() => entries.prepare(stored));
    file.write(() => {
      for (const [place, frame] of footer.frames.entries())
        frames.insert(pack, required(stored[place]).firstCopy, frame, required(ownChecks[place]));
      file.sql.setNextCopy.run(next);
      packs.store(pack, footer, { storedBytes, firstCopy, copies: next - firstCopy });
    });
    packs.forget(pack);
    entries.add();
    return packs.byNumber(pack);
  }

  forgetArrivingPack(pack: number): void {
    this.packs.forgetArriving(pack);
  }

  recordLeakedPacks(ids: readonly string[]): void {
    this.packs.recordLeaked(ids);
  }

  findPack(id: string): Pack | undefined {
    return this.packs.find(id);
  }

  packByNumber(number: number): Pack {
    return this.packs.byNumber(number);
  }

  packIds(state: PackState): string[] {
    return this.packs.ids(state);
  }

  unindexedPacks(limit: number): Pack[] {
    return this.packs.unindexed(limit);
  }

  uncheckedPacks(limit: number, after?: Pack): Pack[] {
    return this.packs.unchecked(limit, after);
  }

  markIndexed(packs: readonly number[], indexNumber: number): void {
    this.packs.markIndexed(packs, indexNumber);
  }

  markChecked(pack: number): void {
    this.packs.markChecked(pack);
  }

  nextIndexNumber(): number {
    return this.packs.nextIndexNumber();
  }

  skipIndexNumbersTo(next: number): void {
    this.packs.skipIndexNumbersTo(next);
  }

  lookup(ids: Buffer, worth: Worth = () => 1): Copy[][] {
    return this.file.read(() => {
      const found = Array.from({ length: ids.length / ID_BYTES }, (): Copy[] => []);
      this.entries.find(ids, (place, number, pack) => {
        addIfAmongBest(required(found[place]), { number, pack, state: this.states.of(number) }, worth);
      });
      for (const copies of found) if (copies.length > 1) copies.sort((a, b) => a.number - b.number);
      return found;
    });
  }

  chunkIdOf(copy: number): Buffer {
    return this.frames.chunkIdOf(copy);
  }

  frameOf(copy: number): StoredFrame {
    return this.frames.of(copy);
  }

  framesOf(pack: Pack): StoredFrame[] {
    return this.frames.allOf(pack);
  }

  edgesOf(copy: number): Buffer {
    return this.frames.edgesOf(copy);
  }

  frameEntry(frame: StoredFrame, kind: PackKind): FrameEntry {
    return this.frames.entryOf(frame, kind);
  }

  footerOf(pack: Pack): PackFooter {
    return this.frames.footerOf(pack);
  }

  currentState(copy: number): number {
    return this.file.read(() => this.states.of(copy));
  }

  changeState(copies: readonly number[], change: { set?: number; clear?: number }): void {
    if (copies.length === 0) return;
    this.writeStates(() => {
      this.damage.note(copies, change.set ?? 0);
      this.states.change(copies, change.set ?? 0, change.clear ?? 0);
    });
  }

  suspectPacks(after: number, limit: number): SuspectPack[] {
    return this.file
      .read(() => this.damage.packsAfter(after, limit))
      .map((number) => required(this.suspectPack(number)));
  }

  suspectPack(number: number): SuspectPack | undefined {
    const mark = this.file.read(() => this.damage.markOf(number));
    return mark && { pack: this.packByNumber(number), mark };
  }

  clearSuspect({ pack, mark }: SuspectPack, copies: readonly number[]): boolean {
    return this.writeStates(() => {
      if (!this.damage.markOf(pack.number)?.equals(mark)) return false;
      this.damage.clear(pack, copies);
      return true;
    });
  }

  damageKnownTo(agentId: string): Buffer {
    return this.agents.damageKnownTo(agentId);
  }

  doubt(agentId: string, copies: readonly number[]): void {
    this.agents.doubt(agentId, copies);
  }

  doubtsOf(agentId: string): ReadonlySet<number> {
    return this.agents.doubtsOf(agentId);
  }

  isVoided(agentId: string): boolean {
    return this.agents.isVoided(agentId);
  }

  voidAgent(agentId: string): void {
    this.agents.void(agentId);
  }

  savePoint(point: Omit<Point, 'state'>): Point {
    return this.points.save(point);
  }

  findPoint(jobId: string, root: Buffer): Point | undefined {
    return this.points.find(jobId, root);
  }

  pointById(id: string): Point | undefined {
    return this.points.byId(id);
  }

  setPointState(id: string, state: PointState): void {
    this.points.setState(id, state);
  }

  close(): void {
    this.opened?.close();
    this.opened = undefined;
    this.states.forget();
    this.file.close();
  }

  private writeStates<T>(work: () => T): T {
    try {
      return this.file.write(work);
    } catch (error) {
      this.states.forget();
      throw error;
    }
  }
}
