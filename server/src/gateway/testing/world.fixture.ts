import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@holdfast/core/clock';
import { descriptorName, MemoryStore, type ObjectStore, packName } from '@holdfast/core/engine';
import { seededRandom, uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import { pino } from 'pino';
import { PageBudget } from '../chunk-index/page-budget.js';
import { openSqliteChunkIndex } from '../chunk-index/sqlite-chunk-index.js';
import { createGatewayCore } from '../composition-root.js';
import type { JobRef, VaultStoreRef } from '../coordination/coordination.js';
import type { GatewayCore } from '../gateway-core.js';
import { GATEWAY_LIMITS, type GatewayLimits } from '../limits.js';
import { type CommitOutcome, commitSession } from '../sessions/commit-session.js';
import { hasChunks } from '../sessions/has-chunks.js';
import { openSession } from '../sessions/open-session.js';
import { type ReadPart, readChunks } from '../sessions/read-chunks.js';
import { PackReceiver } from '../sessions/receive-pack.js';
import type { Session } from '../sessions/session.js';
import { fetchFrames } from '../vault-stores/fetch-frames.js';
import { TestControl } from './control.fixture.js';
import { type TestChunk, type TestPack, testDomain, Uploader } from './uploader.fixture.js';

/** A gateway in one thread with everything around it in memory but the index file, which outlives a crash. */
export class World {
  readonly clock = new ManualClock(1_800_000_000_000);
  readonly random;
  readonly store = new MemoryStore();
  /** What the gateway sees as its store; a test may put faults in front. */
  visibleStore: ObjectStore = this.store;
  readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-gateway-'));
  core!: GatewayCore;
  /** Lines of the log; `msg` is the event. */
  readonly logged: Record<string, unknown>[] = [];

  private constructor(
    seed: string,
    readonly limits: GatewayLimits,
  ) {
    this.random = seededRandom(seed);
  }

  vault!: VaultStoreRef;
  control!: TestControl;
  alice!: Uploader;
  bob!: Uploader;
  carol!: Uploader;

  static async create(seed: string, limits: Partial<GatewayLimits> = {}): Promise<World> {
    const world = new World(seed, { ...GATEWAY_LIMITS, ...limits });
    world.vault = { vaultId: uuidFromBytes(world.random.bytes(16)), storeUrl: 'local:/memory/vault' };
    const domain = await testDomain(world.vault.vaultId, world.random);
    world.control = new TestControl(world.vault, domain, world.store, world.random);
    world.control.askForDamaged = async (packId, offset) => {
      for await (const part of fetchFrames(world.core, world.vault, packId, [offset])) if (part.kind === 'frame') break;
    };
    world.alice = await Uploader.create(domain, world.random);
    world.bob = await Uploader.create(domain, world.random);
    world.carol = await Uploader.create(domain, world.random);
    await world.store.put(descriptorName(1n), Buffer.from('a descriptor'));
    world.start();
    return world;
  }

  /** The process dies at once and another starts: memory is gone, store and index file stay. */
  crash(): void {
    this.core.vaults.close();
    this.start();
  }

  remove(): void {
    this.core.vaults.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async backup(agent: Uploader): Promise<{ job: JobRef; session: Session }> {
    const job = this.control.addJob(agent.agentId, 'backup');
    return { job, session: await this.open(agent, job) };
  }

  open(agent: Uploader, job: JobRef): Promise<Session> {
    return openSession(this.core, agent.agentId, job);
  }

  /** To `agent`, of a point that `source` made. */
  async restore(agent: Uploader, root: Buffer, source = agent): Promise<Session> {
    return this.open(agent, this.control.addJob(agent.agentId, 'restore', root, source.agentId));
  }

  async upload(session: Session, pack: TestPack): Promise<number> {
    const receiver = await PackReceiver.start(session, { packId: pack.packId, kind: pack.kind }, this.limits);
    if (!(receiver instanceof PackReceiver)) return receiver.storedBytes;
    try {
      for (const frame of pack.frames) {
        const half = frame.length >> 1;
        await receiver.piece(frame.subarray(0, half), false);
        await receiver.piece(frame.subarray(half), true);
      }
      return await receiver.finish(pack.tail.footerBytes);
    } finally {
      await receiver.abort();
    }
  }

  async has(session: Session, chunks: readonly TestChunk[], gone = session.signal): Promise<boolean[]> {
    const bits = await hasChunks(session, Buffer.concat(chunks.map(({ claim }) => claim)), this.limits, gone);
    return chunks.map((_, place) => ((bits[place >>> 3] ?? 0) & (1 << (place & 7))) !== 0);
  }

  commit(session: Session, root: Buffer): Promise<CommitOutcome> {
    const request = { root, type: 'FULL' as const, basePointId: Buffer.alloc(0), counters: undefined };
    return commitSession(this.core, session, request);
  }

  /** Uploads a tree of one node over these files and commits it. */
  async commitTree(
    agent: Uploader,
    files: readonly string[],
  ): Promise<{ root: TestChunk; data: TestChunk[]; pointId: string }> {
    const { session } = await this.backup(agent);
    const data = files.map((each) => agent.data(each));
    const root = agent.node(`tree of ${files.join()}`, data);
    await this.upload(session, agent.pack([data]));
    await this.upload(session, agent.pack([[root]]));
    const outcome = await this.commit(session, root.id);
    if (outcome.kind !== 'committed') throw new Error('the tree was not committed');
    return { root, data, pointId: outcome.pointId };
  }

  /** Changes one bit of the stored pack's first frame. */
  async damage(packId: string): Promise<void> {
    const name = packName(uuidToBytes(packId));
    const bytes = await this.store.get(name);
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    await this.store.put(name, bytes);
  }

  async read(
    session: Session,
    ids: readonly Buffer[],
    avoidPacks: readonly string[] = [],
    over = session.signal,
  ): Promise<ReadPart[]> {
    const parts: ReadPart[] = [];
    for await (const part of readChunks(this.core, session, Buffer.concat(ids), avoidPacks, over)) parts.push(part);
    return parts;
  }

  /** Contents that the agent of the restore can make of what it was served. */
  contents(parts: readonly ReadPart[]): string[] {
    return parts.flatMap((part) =>
      part.kind === 'frame'
        ? this.control
            .openServed(part.pack.kind, part.entry, part.sealedFrameKey, part.bytes)
            .map((bytes) => bytes.toString())
        : [],
    );
  }

  private start(): void {
    this.core = createGatewayCore(
      {
        clock: this.clock,
        timers: this.clock,
        random: this.random,
        log: pino({}, { write: (line: string) => this.logged.push(JSON.parse(line) as Record<string, unknown>) }),
        coordination: this.control,
        openStore: async () => this.visibleStore,
        openIndex: (vaultId) =>
          openSqliteChunkIndex(join(this.folder, `${vaultId}.sqlite`), vaultId, { pages: new PageBudget(1_000_000) }),
      },
      this.limits,
    );
  }
}
