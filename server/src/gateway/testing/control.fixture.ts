import {
  BackupType,
  ChunkHasher,
  Consistency,
  createSigner,
  decodeFrameEntry,
  decodeWrappedSessionKey,
  encodeFrameEntry,
  encodePoint,
  encodeWrappedSessionKey,
  FrameSealer,
  frameDigest,
  idAt,
  type ObjectStore,
  type OpenedChunk,
  openFrame,
  openReleasedKey,
  openSessionKey,
  PackKind,
  readFrame,
  readPackFooter,
  releaseFrameKey,
  sealReleasedKey,
  splitFrame,
  verifyChunk,
} from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { type Random, uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import { CONTROL_MESSAGE_BYTES } from '../../platform/grpc/connection-limits.js';
import type { CountedIncident } from '../../platform/incidents/incident.js';
import type {
  Coordination,
  CutFrame,
  FoundPoint,
  FrameToCut,
  FrameVerdict,
  JobRef,
  PreparedPoint,
  SessionGrant,
  VaultStoreRef,
} from '../coordination/coordination.js';
import type { TestDomain } from './uploader.fixture.js';

interface TestJob {
  readonly agentId: string;
  epoch: number;
  readonly grant: SessionGrant;
}

/**
 * Control, as far as a gateway asks it, in memory: leases, points and keys are kept as control keeps
 * them, packs are opened and chunks hashed with the engine's own code. `failing` makes calls fail.
 */
export class TestControl implements Coordination {
  readonly jobs = new Map<string, TestJob>();
  readonly points = new Map<string, PreparedPoint & { recorded: boolean }>();
  readonly verified: { readonly packId: string; readonly offsets: readonly number[] }[] = [];
  /** What a verdict on frames of a pack waits for. */
  beforeVerdict: (packId: string) => Promise<unknown> = async () => undefined;
  /** Asks the gateway for a frame that is damaged, as control does for each frame: so the gateway knows. */
  askForDamaged: (packId: string, offset: number) => Promise<unknown> = async () => undefined;
  /** Packs on whose frames it has no verdict. */
  readonly silentOn = new Set<string>();
  /** Packs that it calls good whatever is in them. */
  readonly misjudged = new Set<string>();
  readonly reconciled: FoundPoint[] = [];
  readonly incidents: CountedIncident[] = [];
  readonly failing = new Map<keyof Coordination, HoldfastError>();
  readonly transportKey: Buffer;
  private readonly signer;
  private readonly sessionKeys = new Map<string, Promise<Buffer>>();
  private sequence = 0n;

  constructor(
    private readonly vaultStore: VaultStoreRef,
    private readonly domain: TestDomain,
    private readonly store: ObjectStore,
    private readonly random: Random,
  ) {
    this.signer = createSigner(random.bytes(32));
    this.transportKey = random.bytes(32);
  }

  /** A restore is of a point that the same agent made unless `sourceAgentId` says otherwise. */
  addJob(agentId: string, kind: SessionGrant['kind'], root?: Buffer, sourceAgentId = agentId): JobRef {
    const jobId = uuidFromBytes(this.random.bytes(16));
    const itemId = uuidFromBytes(this.random.bytes(16));
    this.jobs.set(jobId, {
      agentId,
      epoch: 1,
      grant: { kind, vault: this.vaultStore, itemId, domainId: this.domain.id, root, sourceAgentId },
    });
    return { jobId, epoch: 1 };
  }

  takeOver(job: JobRef): JobRef {
    const held = this.job(job.jobId);
    held.epoch += 1;
    return { jobId: job.jobId, epoch: held.epoch };
  }

  async authorizeSession(agentId: string, job: JobRef): Promise<SessionGrant> {
    this.mayFail('authorizeSession');
    const held = this.jobs.get(job.jobId);
    if (held?.agentId !== agentId)
      throw new HoldfastError({ kind: 'Forbidden', code: 'NOT_YOUR_JOB', message: 'Not this agent.' });
    this.fence(job);
    return held.grant;
  }

  async preparePoint(request: Parameters<Coordination['preparePoint']>[0]): Promise<PreparedPoint> {
    this.mayFail('preparePoint');
    this.fence(request.job);
    const { grant } = this.job(request.job.jobId);
    const pointId = uuidFromBytes(this.random.bytes(16));
    this.sequence += 1n;
    const { bytes } = encodePoint(this.signer, {
      vaultId: uuidToBytes(this.vaultStore.vaultId),
      pointId: uuidToBytes(pointId),
      itemId: uuidToBytes(grant.itemId),
      sequence: 1n,
      previousSha256: Buffer.alloc(0),
      backupType: BackupType.BACKUP_TYPE_FULL,
      committedAtMs: this.sequence,
      requires: [],
      rootNode: request.root,
      domainId: uuidToBytes(grant.domainId),
      consistency: Consistency.CONSISTENCY_CRASH,
      basePointId: Buffer.alloc(0),
      agentId: uuidToBytes(request.agentId),
      jobId: uuidToBytes(request.job.jobId),
      statistics: {
        entries: 0n,
        files: 0n,
        bytesTotal: 0n,
        bytesRead: 0n,
        bytesChanged: 0n,
        bytesSent: 0n,
        bytesStored: 0n,
        warnings: 0n,
      },
      workload: 'FILES',
    });
    this.points.set(pointId, { pointId, signed: bytes, recorded: false });
    return { pointId, signed: bytes };
  }

  async recordPoint(_agentId: string, job: JobRef, { pointId }: PreparedPoint): Promise<void> {
    this.mayFail('recordPoint');
    this.fence(job);
    const point = this.points.get(pointId);
    if (!point) throw new HoldfastError({ kind: 'NotFound', code: 'POINT', message: 'No such point.' });
    point.recorded = true;
  }

  async releaseFrameKeys(_job: JobRef, frames: Parameters<Coordination['releaseFrameKeys']>[1]): Promise<Buffer[]> {
    this.mayFail('releaseFrameKeys');
    return Promise.all(
      frames.map(async ({ domainId, sessionKey, frameDigest }) => {
        const place = { vaultId: uuidToBytes(this.domain.vaultId), domainId: uuidToBytes(domainId) };
        const session = await this.sessionKeyOf(place, sessionKey).catch(() => undefined);
        if (session === undefined) return Buffer.alloc(0);
        const key = releaseFrameKey(session, frameDigest);
        return sealReleasedKey(this.transportKey, place, frameDigest, key, this.random);
      }),
    );
  }

  /** Cut frames, each with how many chunks it had and has. */
  readonly cuts: { readonly of: number; readonly wanted: number }[] = [];

  async cutFrame(_job: JobRef, asked: FrameToCut, over: AbortSignal): Promise<CutFrame | undefined> {
    const { domainId, sessionKey, kind, frame, stored, chunkIds } = asked;
    this.mayFail('cutFrame');
    over.throwIfAborted();
    if (frame.length + stored.length > CONTROL_MESSAGE_BYTES)
      throw new HoldfastError({ kind: 'RateLimited', code: 'GRPC_RESOURCE_EXHAUSTED', message: 'It is too long.' });
    const place = { vaultId: uuidToBytes(this.domain.vaultId), domainId: uuidToBytes(domainId) };
    const entry = decodeFrameEntry(frame, kind);
    const context = { ...place, kind };
    let opened: OpenedChunk[];
    try {
      const key = releaseFrameKey(await this.sessionKeyOf(place, sessionKey), frameDigest(entry));
      opened = splitFrame(entry, openFrame(key, context, entry, stored));
    } catch {
      return undefined;
    }
    const chunks = opened.filter(({ id }) => chunkIds.includes(id));
    this.cuts.push({ of: entry.chunkLengths.length, wanted: chunks.length });
    const ownKey = this.random.bytes(32);
    const plaintext = Buffer.concat(chunks.map((chunk) => chunk.plaintext));
    const described = chunks.map(({ id, edges, ...chunk }) => ({
      id,
      length: chunk.plaintext.length,
      ...(kind === PackKind.PACK_KIND_NODE && { edges }),
    }));
    const cut = new FrameSealer({ context, sessionKey: ownKey, padded: false }).seal({ plaintext, chunks: described });
    const digest = frameDigest(cut.entry);
    const sealedFrameKey = sealReleasedKey(
      this.transportKey,
      place,
      digest,
      releaseFrameKey(ownKey, digest),
      this.random,
    );
    return { frame: encodeFrameEntry({ offset: 0n, ...cut.entry }), stored: cut.stored, sealedFrameKey };
  }

  async verifyFrames(_vaultId: string, packId: string, offsets: readonly number[]): Promise<FrameVerdict> {
    this.mayFail('verifyFrames');
    this.verified.push({ packId, offsets });
    await this.beforeVerdict(packId);
    return this.verify(packId, offsets);
  }

  async reportIncident(incident: CountedIncident): Promise<void> {
    this.mayFail('reportIncident');
    this.incidents.push(incident);
  }

  async listVaultStores(): Promise<VaultStoreRef[]> {
    this.mayFail('listVaultStores');
    return [this.vaultStore];
  }

  async reconcilePoints(
    _vaultId: string,
    points: readonly FoundPoint[],
  ): Promise<{ adopted: string[]; quarantined: string[] }> {
    this.mayFail('reconcilePoints');
    this.reconciled.push(...points);
    return { adopted: [], quarantined: [] };
  }

  /** What the agent of a restore gets out of a frame that was served: its chunks, each verified. */
  openServed(kind: PackKind, frame: Buffer, sealedKey: Buffer, stored: Buffer): Buffer[] {
    const entry = decodeFrameEntry(frame, kind);
    const place = { vaultId: uuidToBytes(this.domain.vaultId), domainId: uuidToBytes(this.domain.id) };
    const plaintext = openFrame(
      openReleasedKey(this.transportKey, place, frameDigest(entry), sealedKey),
      { ...place, kind },
      entry,
      stored,
    );
    const hasher = new ChunkHasher(this.domain.secret.idKey);
    return splitFrame(entry, plaintext).map((chunk) => {
      verifyChunk(hasher, kind, chunk.id, chunk.edges, chunk.plaintext);
      return chunk.plaintext;
    });
  }

  private sessionKeyOf(place: { vaultId: Buffer; domainId: Buffer }, wrapped: Buffer): Promise<Buffer> {
    const name = wrapped.toString('base64');
    const known = this.sessionKeys.get(name);
    if (known !== undefined) return known;
    const opened = openSessionKey(this.domain.secret.privateKey, place, decodeWrappedSessionKey(wrapped));
    this.sessionKeys.set(name, opened);
    return opened;
  }

  private async verify(packId: string, offsets: readonly number[]): Promise<FrameVerdict> {
    const footer = await readPackFooter(this.store, uuidToBytes(packId));
    const sessionKey = await openSessionKey(
      this.domain.secret.privateKey,
      footer,
      decodeWrappedSessionKey(encodeWrappedSessionKey(footer.sessionKey as never)),
    );
    const hasher = new ChunkHasher(this.domain.secret.idKey);
    const good: Buffer[] = [];
    const bad: Buffer[] = [];
    const asked = footer.frames.filter(({ offset }) => offsets.includes(Number(offset)));
    if (this.silentOn.has(packId)) return { good: Buffer.alloc(0), bad: Buffer.alloc(0) };
    if (this.misjudged.has(packId))
      return { good: Buffer.concat(asked.map(({ chunkIds }) => chunkIds)), bad: Buffer.alloc(0) };
    for (const entry of asked) {
      const stored = await readFrame(this.store, uuidToBytes(packId), entry).catch(() => undefined);
      if (stored === undefined) {
        await this.askForDamaged(packId, Number(entry.offset));
        continue;
      }
      let plaintext: Buffer;
      try {
        plaintext = openFrame(releaseFrameKey(sessionKey, frameDigest(entry)), footer, entry, stored);
      } catch {
        bad.push(entry.chunkIds);
        continue;
      }
      splitFrame(entry, plaintext).forEach((chunk, place) => {
        try {
          verifyChunk(hasher, footer.kind, chunk.id, chunk.edges, chunk.plaintext);
          good.push(idAt(entry.chunkIds, place));
        } catch {
          bad.push(idAt(entry.chunkIds, place));
        }
      });
    }
    return { good: Buffer.concat(good), bad: Buffer.concat(bad) };
  }

  private job(jobId: string): TestJob {
    const job = this.jobs.get(jobId);
    if (!job) throw new Error('the test has no such job');
    return job;
  }

  private fence(job: JobRef): void {
    if (this.job(job.jobId).epoch !== job.epoch)
      throw new HoldfastError({ kind: 'IllegalState', code: 'EPOCH_PASSED', message: 'An old epoch.' });
  }

  private mayFail(method: keyof Coordination): void {
    const error = this.failing.get(method);
    if (error) throw error;
  }
}
