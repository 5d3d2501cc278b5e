import {
  ChunkHasher,
  createDomain,
  createSessionKey,
  type Domain,
  DomainScope,
  type DomainSecret,
  type FrameChunk,
  FrameSealer,
  PackBuilder,
  PackKind,
  type PackTail,
  type SealedFrame,
  sortedIdSet,
  type WrappedSessionKey,
} from '@holdfast/core/engine';
import type { Random } from '@holdfast/core/ids';
import { uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';

/** A dedup domain with its secret, as control and the agents of a test share it. */
export interface TestDomain {
  readonly vaultId: string;
  readonly id: string;
  readonly domain: Domain;
  readonly secret: DomainSecret;
}

export async function testDomain(vaultId: string, random: Random): Promise<TestDomain> {
  const id = uuidFromBytes(random.bytes(16));
  const input = {
    vaultId: uuidToBytes(vaultId),
    vaultKey: random.bytes(32),
    domainId: uuidToBytes(id),
    scope: DomainScope.DOMAIN_SCOPE_VAULT,
  } as const;
  return { vaultId, id, ...(await createDomain(input, random)) };
}

export interface TestChunk {
  readonly kind: PackKind;
  readonly content: Buffer;
  readonly edges: Buffer;
  readonly id: Buffer;
  readonly claim: Buffer;
}

export interface TestPack {
  readonly packId: string;
  readonly kind: PackKind;
  readonly frames: readonly Buffer[];
  readonly tail: PackTail;
}

/** What an agent does before it talks to a gateway: names chunks, seals frames, builds packs. With the engine's own code. */
export class Uploader {
  private readonly hasher: ChunkHasher;

  private constructor(
    readonly agentId: string,
    readonly domain: TestDomain,
    private readonly sessionKey: Buffer,
    private readonly wrapped: WrappedSessionKey,
    private readonly random: Random,
  ) {
    this.hasher = new ChunkHasher(domain.secret.idKey);
  }

  static async create(domain: TestDomain, random: Random): Promise<Uploader> {
    const place = { vaultId: uuidToBytes(domain.vaultId), domainId: uuidToBytes(domain.id) };
    const { sessionKey, wrapped } = await createSessionKey(domain.domain.publicKey, place, random);
    return new Uploader(uuidFromBytes(random.bytes(16)), domain, sessionKey, wrapped, random);
  }

  data(content: string | Buffer): TestChunk {
    return this.name(PackKind.PACK_KIND_DATA, Buffer.from(content), Buffer.alloc(0));
  }

  node(content: string | Buffer, below: readonly (TestChunk | Buffer)[]): TestChunk {
    return this.name(
      PackKind.PACK_KIND_NODE,
      Buffer.from(content),
      sortedIdSet(below.map((each) => (Buffer.isBuffer(each) ? each : each.id))),
    );
  }

  /** Each inner list is one frame. With `sealKey`, nobody opens the frames by the key that the pack carries. */
  pack(
    frames: readonly (readonly TestChunk[])[],
    overrides: { packId?: string; uploaderId?: string; sealKey?: Buffer; wrapped?: WrappedSessionKey } = {},
  ): TestPack {
    const kind = frames[0]?.[0]?.kind ?? PackKind.PACK_KIND_DATA;
    const packId = overrides.packId ?? uuidFromBytes(this.random.bytes(16));
    const builder = new PackBuilder({
      vaultId: uuidToBytes(this.domain.vaultId),
      packId: uuidToBytes(packId),
      kind,
      domainId: uuidToBytes(this.domain.id),
      sessionKey: overrides.wrapped ?? this.wrapped,
      uploaderId: uuidToBytes(overrides.uploaderId ?? this.agentId),
    });
    const stored = frames.map((chunks) => {
      const frame = this.seal(kind, chunks, overrides.sealKey ?? this.sessionKey);
      builder.add(frame);
      return frame.stored;
    });
    return { packId, kind, frames: stored, tail: builder.finish() };
  }

  private seal(kind: PackKind, chunks: readonly TestChunk[], sessionKey: Buffer): SealedFrame {
    const context = { vaultId: uuidToBytes(this.domain.vaultId), domainId: uuidToBytes(this.domain.id), kind };
    const described = chunks.map(
      ({ id, content, edges }): FrameChunk => ({
        id,
        length: content.length,
        ...(kind === PackKind.PACK_KIND_NODE && { edges }),
      }),
    );
    return new FrameSealer({ context, sessionKey, padded: false }).seal({
      plaintext: Buffer.concat(chunks.map(({ content }) => content)),
      chunks: described,
    });
  }

  private name(kind: PackKind, content: Buffer, edges: Buffer): TestChunk {
    return { kind, content, edges, ...this.hasher.name(kind, edges, content) };
  }
}
