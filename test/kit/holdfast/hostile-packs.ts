/** Packs as an agent seals them, and as no agent should: any content under any id. */
import {
  ChunkHasher,
  createSessionKey,
  DirectoryBuilder,
  EntryType,
  type FrameChunk,
  FrameSealer,
  NodeWriter,
  nodeCodec,
  PackBuilder,
  PackKind,
  treeEntry,
  type WrappedSessionKey,
} from '@holdfast/core/engine';
import { systemRandom, uuidToBytes } from '@holdfast/core/ids';
import {
  type DataServiceClient,
  type StartBackup,
  type UploadPackRequest,
  PackKind as WireKind,
} from '@holdfast/proto/v1';

export interface Claimed {
  readonly id: Buffer;
  readonly content: Buffer;
  /** Sorted ids; undefined for data. */
  readonly edges?: Buffer;
}

export interface MadePack {
  readonly packId: Buffer;
  readonly kind: PackKind;
  readonly frames: readonly Buffer[];
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

  /** Each directory has many empty files and the next directory three times: few nodes that stand for very many entries. */
  repeated(levels: number, files: number): { readonly root: Buffer; readonly nodes: Claimed[] } {
    const nodes: Claimed[] = [];
    const writer = new NodeWriter(this.#hasher, this.domain.chunkerKey, ({ id, plaintext, edges }) =>
      nodes.push({ id, content: plaintext, edges }),
    );
    let id: Buffer | undefined;
    for (let level = 0; level < levels; level += 1) {
      const builder = new DirectoryBuilder(writer);
      const content = id && { kind: 'node' as const, id };
      for (const name of ['d0', 'd1', 'd2'])
        if (content !== undefined)
          builder.add(
            treeEntry({ name: Buffer.from(name), type: EntryType.ENTRY_TYPE_DIRECTORY, mode: 0o755, content }),
          );
      for (let at = 0; at < files; at += 1)
        builder.add(
          treeEntry({
            name: Buffer.from(`f${String(at).padStart(4, '0')}`),
            type: EntryType.ENTRY_TYPE_FILE,
            mode: 0o644,
          }),
        );
      id = builder.finish();
    }
    if (id === undefined) throw new Error('a tree has a level');
    return { root: id, nodes };
  }

  pack(chunk: Claimed, uploaderId: string, codec = nodeCodec): MadePack {
    return this.packOf([chunk], uploaderId, codec);
  }

  /** All of one kind, each in a frame of its own. */
  packOf(chunks: readonly Claimed[], uploaderId: string, codec = nodeCodec): MadePack {
    const { vaultId } = this.start;
    const { domainId } = this.domain;
    const kind = chunks[0]?.edges === undefined ? PackKind.PACK_KIND_DATA : PackKind.PACK_KIND_NODE;
    const packId = systemRandom.bytes(16);
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
      codec,
    });
    const frames = chunks.map(({ id, content, edges }) => {
      const chunk: FrameChunk = { id, length: content.length, ...(edges !== undefined && { edges }) };
      const frame = sealer.seal({ plaintext: content, chunks: [chunk] });
      builder.add(frame);
      return frame.stored;
    });
    return { packId, kind, frames, footer: builder.finish().footerBytes };
  }
}

export function uploadPack(client: DataServiceClient, sessionId: Buffer, pack: MadePack): Promise<bigint> {
  const kind = pack.kind === PackKind.PACK_KIND_NODE ? WireKind.PACK_KIND_NODE : WireKind.PACK_KIND_DATA;
  return new Promise((resolve, reject) => {
    const stream = client.uploadPack((error, answer) => (error ? reject(error) : resolve(answer.storedBytes)));
    const write = (part: NonNullable<UploadPackRequest['part']>): void => void stream.write({ part });
    write({ $case: 'header', value: { sessionId, packId: pack.packId, kind, again: false } });
    for (const data of pack.frames) write({ $case: 'frame', value: { data, last: true } });
    write({ $case: 'footer', value: { data: pack.footer, last: true } });
    stream.end();
  });
}
