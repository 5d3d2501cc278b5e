import type { FrameEntry, PackFooter } from '@holdfast/core/engine';
import {
  createDomain,
  DEFAULT_CHUNKER,
  DomainScope,
  encodeFrameEntry,
  frameDigest,
  idAt,
  idCount,
  idOfClaim,
  openSessionKey,
  PackKind,
  PackVerifier,
  releaseFrameKey,
  sealReleasedKey,
} from '@holdfast/core/engine';
import { HoldfastError } from '@holdfast/core/errors';
import { seededRandom, uuidFromBytes } from '@holdfast/core/ids';
import type {
  CommitAnswer,
  CommitQuestion,
  DataSession,
  DataTransport,
  OutgoingPack,
  PackKindName,
  ReadAnswer,
} from '../data-transport.js';
import { idKey, splitIds } from '../ids.js';
import type { DomainKeys, JobRef } from '../job.js';

interface StoredPack {
  readonly footer: PackFooter;
  readonly kind: PackKindName;
  readonly frames: Buffer[];
}

interface Copy {
  readonly pack: StoredPack;
  readonly frame: number;
  /** Position in the frame. */
  readonly place: number;
}

export interface CommittedPoint extends CommitQuestion {
  readonly pointId: string;
}

/** What a test does to the gateway from outside. */
export interface GatewayFaults {
  beforeUpload?: (pack: OutgoingPack) => void | Promise<void>;
  beforeQuestion?: (claims: number) => void | Promise<void>;
  beforeCommit?: () => void | Promise<void>;
}

const random = seededRandom('memory gateway');

/**
 * A vault and its gateway in memory, with the rules of the protocol: a pack is verified as it arrives, a commit is refused unless
 * every edge of every new node was uploaded or answered yes in the session, and a restore reads along edges alone.
 */
export class MemoryGateway implements DataTransport {
  readonly points: CommittedPoint[] = [];
  readonly packs: StoredPack[] = [];
  readonly copies = new Map<string, Copy[]>();
  readonly faults: GatewayFaults = {};
  readonly transportKey = random.bytes(32);
  readonly terms = {
    maxPackBytes: 64 * 1024 * 1024,
    maxClaimsPerQuestion: 1_000,
    maxParallelUploads: 4,
    maxParallelReads: 4,
    padFrames: false,
  };
  openSessions = 0;
  chunksRead = 0;
  /** What a session is told of damage: a test makes it another. */
  damageSeen = Buffer.alloc(0);
  /** Raised by a test to make the gateway forget its sessions. */
  restarts = 0;

  private constructor(
    readonly vaultId: Buffer,
    readonly domain: DomainKeys,
    private readonly privateKey: Buffer,
    private readonly agentId: Buffer,
  ) {}

  static async create(agentId: Buffer): Promise<MemoryGateway> {
    const vaultId = random.bytes(16);
    const input = {
      vaultId,
      vaultKey: random.bytes(32),
      domainId: random.bytes(16),
      scope: DomainScope.DOMAIN_SCOPE_VAULT,
    } as const;
    const { domain, secret } = await createDomain(input, random);
    const { domainId, kemId, publicKey } = domain;
    const keys = {
      domainId,
      kemId,
      publicKey,
      idKey: secret.idKey,
      chunkerKey: secret.chunkerKey,
      chunker: { ...DEFAULT_CHUNKER },
    };
    return new MemoryGateway(vaultId, keys, secret.privateKey, agentId);
  }

  async openSession(_job: JobRef, signal: AbortSignal): Promise<DataSession> {
    signal.throwIfAborted();
    this.openSessions += 1;
    return new MemorySession(this);
  }

  store(pack: OutgoingPack): number {
    const verifier = new PackVerifier({
      vaultId: this.vaultId,
      packId: pack.packId,
      kind: pack.kind === 'DATA' ? PackKind.PACK_KIND_DATA : PackKind.PACK_KIND_NODE,
      domainId: this.domain.domainId,
      uploaderId: this.agentId,
    });
    for (const frame of pack.frames) verifier.frame(frame, true);
    const { footer } = verifier.footer(pack.footer);
    const stored: StoredPack = { footer, kind: pack.kind, frames: pack.frames.map((frame) => Buffer.from(frame)) };
    this.packs.push(stored);
    footer.frames.forEach((entry, frame) => {
      splitIds(entry.chunkIds).forEach((id, place) => {
        const known = this.copies.get(idKey(id)) ?? [];
        this.copies.set(idKey(id), [...known, { pack: stored, frame, place }]);
      });
    });
    return pack.bytes;
  }

  /** There, with everything below it. */
  isWhole(id: Buffer): boolean {
    return this.copies.has(idKey(id)) && splitIds(this.edgesOf(id)).every((edge) => this.isWhole(edge));
  }

  edgesOf(id: Buffer): Buffer {
    const [copy] = this.copies.get(idKey(id)) ?? [];
    return (copy && entryOf(copy).edges[copy.place]) ?? Buffer.alloc(0);
  }

  /** Loses every copy of these chunks, as a vault that was damaged and repaired. */
  lose(ids: Iterable<Buffer>): void {
    for (const id of ids) this.copies.delete(idKey(id));
  }

  /** Flips one bit in the stored frame that holds the chunk. */
  damage(id: Buffer, which = 0): void {
    const copy = this.copies.get(idKey(id))?.[which];
    const frame = copy?.pack.frames[copy.frame];
    if (frame === undefined) throw new Error('there is no such chunk');
    frame[20] = (frame[20] as number) ^ 1;
  }

  async frameKey(copy: Copy): Promise<Buffer> {
    const place = { vaultId: this.vaultId, domainId: this.domain.domainId };
    const { sessionKey } = copy.pack.footer;
    if (sessionKey === undefined) throw new Error('a pack without its key');
    const digest = frameDigest(entryOf(copy));
    const key = releaseFrameKey(await openSessionKey(this.privateKey, place, sessionKey), digest);
    return sealReleasedKey(this.transportKey, place, digest, key, random);
  }
}

class MemorySession implements DataSession {
  private readonly granted = new Set<string>();
  private readonly newNodes: Buffer[] = [];
  private readonly readable = new Set<string>();
  private seenRestarts: number;
  private closed = false;

  constructor(private readonly gateway: MemoryGateway) {
    this.seenRestarts = gateway.restarts;
    for (const { rootNode } of gateway.points) this.readable.add(idKey(rootNode));
  }

  get terms() {
    return { ...this.gateway.terms, damage: this.gateway.damageSeen };
  }

  /** As the transport does: noticed by the first call after the gateway's restart. */
  get generation(): number {
    return 1 + this.seenRestarts;
  }

  async hasChunks(claims: Buffer, signal: AbortSignal): Promise<Buffer> {
    await this.enter(signal);
    if (claims.length % 32 !== 0 || claims.length / 32 > this.terms.maxClaimsPerQuestion)
      throw refused('MALFORMED_CLAIMS');
    await this.gateway.faults.beforeQuestion?.(claims.length / 32);
    const present = Buffer.alloc(Math.ceil(claims.length / 256));
    for (const [index, claim] of splitIds(claims).entries()) {
      const id = idOfClaim(claim);
      if (!this.gateway.isWhole(id)) continue;
      this.granted.add(idKey(id));
      present[index >> 3] = (present[index >> 3] as number) | (1 << (index & 7));
    }
    return present;
  }

  async uploadPack(pack: OutgoingPack, signal: AbortSignal): Promise<number> {
    await this.enter(signal);
    await this.gateway.faults.beforeUpload?.(pack);
    signal.throwIfAborted();
    const stored = this.gateway.store(pack);
    for (const entry of this.gateway.packs.at(-1)?.footer.frames ?? []) {
      for (let index = 0; index < idCount(entry.chunkIds); index++) {
        const id = Buffer.from(idAt(entry.chunkIds, index));
        this.granted.add(idKey(id));
        if (pack.kind === 'NODE') this.newNodes.push(id);
      }
    }
    return stored;
  }

  async commit(question: CommitQuestion, signal: AbortSignal): Promise<CommitAnswer> {
    await this.enter(signal);
    await this.gateway.faults.beforeCommit?.();
    const needed = [question.rootNode, ...this.newNodes.flatMap((id) => splitIds(this.gateway.edgesOf(id)))];
    const missing = needed.filter((id) => !this.granted.has(idKey(id)) || !this.gateway.copies.has(idKey(id)));
    if (missing.length > 0) return { kind: 'missing', ids: missing };
    const pointId = uuidFromBytes(random.bytes(16));
    this.gateway.points.push({ ...question, counters: { ...question.counters }, pointId });
    return { kind: 'committed', pointId };
  }

  async *readChunks(
    ids: readonly Buffer[],
    avoidPacks: readonly Buffer[],
    signal: AbortSignal,
  ): AsyncGenerator<ReadAnswer> {
    await this.enter(signal);
    const avoid = new Set(avoidPacks.map(idKey));
    const sent = new Set<Buffer>();
    for (const id of ids) {
      if (!this.readable.has(idKey(id))) throw refused('CHUNK_NOT_REACHABLE');
      this.gateway.chunksRead += 1;
      const copy = this.gateway.copies.get(idKey(id))?.find(({ pack }) => !avoid.has(idKey(pack.footer.packId)));
      if (copy === undefined) {
        yield { kind: 'damaged', ids: [id], reason: 'no readable copy is left' };
        continue;
      }
      const stored = copy.pack.frames[copy.frame] as Buffer;
      if (sent.has(stored)) continue;
      sent.add(stored);
      const entry = entryOf(copy);
      for (const edges of entry.edges) for (const edge of splitIds(edges)) this.readable.add(idKey(edge));
      const { packId, domainId } = copy.pack.footer;
      const sealedKey = await this.gateway.frameKey(copy);
      yield {
        kind: 'frame',
        frame: { packId, kind: copy.pack.kind, entry: encodeFrameEntry(entry), sealedKey, domainId, stored },
      };
    }
  }

  async close(): Promise<void> {
    if (!this.closed) this.gateway.openSessions -= 1;
    this.closed = true;
  }

  private async enter(signal: AbortSignal): Promise<void> {
    if (this.closed) throw refused('SESSION_UNKNOWN');
    await Promise.resolve();
    signal.throwIfAborted();
    if (this.seenRestarts === this.gateway.restarts) return;
    this.seenRestarts = this.gateway.restarts;
    this.granted.clear();
    this.newNodes.length = 0;
  }
}

function entryOf(copy: Copy): FrameEntry {
  return copy.pack.footer.frames[copy.frame] as FrameEntry;
}

function refused(code: string): HoldfastError {
  return new HoldfastError({ kind: 'Forbidden', code, message: `refused: ${code}` });
}
