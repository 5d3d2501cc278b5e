/** Packs as an agent seals them, and as no agent should: any content under any id. */
import {
  ChunkHasher,
  createSessionKey,
  type FrameChunk,
  FrameSealer,
  PackBuilder,
  PackKind,
  type WrappedSessionKey,
} from '@holdfast/core/engine';
import { systemRandom, uuidToBytes } from '@holdfast/core/ids';
import {
  type DataServiceClient,
  type StartBackup,
  type UploadPackRequest,
  PackKind as WireKind,
} from '@holdfast/proto/v1';

const NO_EDGES = Buffer.alloc(0);

export interface Claimed {
  readonly id: Buffer;
  readonly content: Buffer;
  /** Sorted ids; undefined for data. */
  readonly edges?: Buffer;
}

export interface MadePack {
  readonly packId: Buffer;
  readonly kind: PackKind;
  readonly frame: Buffer;
  readonly footer: Buffer;
}

export class PackMaker {
  readonly #hasher: ChunkHasher;

  private constructor(
    private readonly start: StartBackup,
    private readonly domain: NonNullable<StartBackup['domain']>,
    private readonly sessionKey: Buffer,
    private readonly wrapped: WrappedSessionKey,
  ) {
    this.#hasher = new ChunkHasher(domain.idKey);
  }

  /** With the keys that the server gave out for a backup. */
  static async create(start: StartBackup): Promise<PackMaker> {
    const { domain, vaultId } = start;
    if (domain === undefined) throw new Error('a backup came without keys');
    const place = { vaultId, domainId: domain.domainId };
    const { sessionKey, wrapped } = await createSessionKey(domain.publicKey, place, systemRandom);
    return new PackMaker(start, domain, sessionKey, wrapped);
  }

  data(content: Buffer): Claimed {
    return { id: this.#hasher.nameData(content).id, content };
  }

  node(content: Buffer, edge: Buffer): Claimed {
    return { id: this.#hasher.name(PackKind.PACK_KIND_NODE, edge, content).id, content, edges: edge };
  }

  /** One frame with one chunk. */
  pack({ id, content, edges }: Claimed, uploaderId: string): MadePack {
    const { vaultId } = this.start;
    const { domainId } = this.domain;
    const kind = edges === undefined ? PackKind.PACK_KIND_DATA : PackKind.PACK_KIND_NODE;
    const packId = systemRandom.bytes(16);
    const chunk: FrameChunk = { id, length: content.length, ...(edges !== undefined && { edges: edges ?? NO_EDGES }) };
    const builder = new PackBuilder({
      vaultId,
      packId,
      kind,
      domainId,
      sessionKey: this.wrapped,
      uploaderId: uuidToBytes(uploaderId),
    });
    const sealer = new FrameSealer({
      context: { vaultId, domainId, kind },
      sessionKey: this.sessionKey,
      padded: false,
    });
    const frame = sealer.seal({ plaintext: content, chunks: [chunk] });
    builder.add(frame);
    return { packId, kind, frame: frame.stored, footer: builder.finish().footerBytes };
  }
}

export function uploadPack(client: DataServiceClient, sessionId: Buffer, pack: MadePack): Promise<bigint> {
  const kind = pack.kind === PackKind.PACK_KIND_NODE ? WireKind.PACK_KIND_NODE : WireKind.PACK_KIND_DATA;
  return new Promise((resolve, reject) => {
    const stream = client.uploadPack((error, answer) => (error ? reject(error) : resolve(answer.storedBytes)));
    const write = (part: NonNullable<UploadPackRequest['part']>): void => void stream.write({ part });
    write({ $case: 'header', value: { sessionId, packId: pack.packId, kind } });
    write({ $case: 'frame', value: { data: pack.frame, last: true } });
    write({ $case: 'footer', value: { data: pack.footer, last: true } });
    stream.end();
  });
}
