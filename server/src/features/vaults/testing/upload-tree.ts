import {
  ChunkHasher,
  createSessionKey,
  DirectoryBuilder,
  EntryType,
  FrameGatherer,
  FrameSealer,
  type NamedChunk,
  NodeWriter,
  PackBuilder,
  PackKind,
  packName,
  treeEntry,
} from '@holdfast/core/engine';
import { systemRandom, uuidToBytes } from '@holdfast/core/ids';
import type { BackupCommand } from '../../jobs/domain/job-command.js';
import type { MemoryGateway } from './memory-gateway.js';

/** A directory: its files' contents by name, or directories below it. */
export interface TestTree {
  readonly [name: string]: string | TestTree;
}

export interface Uploaded {
  readonly rootNode: Buffer;
  readonly packIds: { readonly data: Buffer; readonly node: Buffer };
}

const FIXED = { mtimeSeconds: 1_700_000_000, mtimeNanos: 123_456_789, uid: 4_294_967_294, gid: 100 };

/** Does what an agent does with its command: names, seals and packs a tree, with the keys that it was given and no others. */
export async function uploadTree(
  gateway: MemoryGateway,
  command: BackupCommand,
  agentId: string,
  tree: TestTree,
): Promise<Uploaded> {
  const place = { vaultId: uuidToBytes(command.vaultId), domainId: uuidToBytes(command.domain.domainId) };
  const session = await createSessionKey(command.domain.publicKey, place, systemRandom);
  const hasher = new ChunkHasher(command.domain.idKey);
  const data: NamedChunk[] = [];
  const nodes: NamedChunk[] = [];
  const writer = new NodeWriter(hasher, command.domain.chunkerKey, (node) => void nodes.push(node));

  function directory(entries: TestTree): Buffer {
    const builder = new DirectoryBuilder(writer);
    const sorted = Object.entries(entries)
      .map(([name, value]) => ({ name: Buffer.from(name, 'latin1'), value }))
      .sort((a, b) => Buffer.compare(a.name, b.name));
    for (const { name, value } of sorted) {
      if (typeof value !== 'string') {
        builder.add(
          treeEntry({
            ...FIXED,
            name,
            type: EntryType.ENTRY_TYPE_DIRECTORY,
            mode: 0o755,
            content: { kind: 'node', id: directory(value) },
          }),
        );
        continue;
      }
      const plaintext = Buffer.from(value);
      const { id } = hasher.nameData(plaintext);
      data.push({ id, plaintext });
      builder.add(
        treeEntry({
          ...FIXED,
          name,
          type: EntryType.ENTRY_TYPE_FILE,
          mode: 0o644,
          size: plaintext.length,
          content: { kind: 'chunk', id },
        }),
      );
    }
    return builder.finish();
  }

  const rootNode = directory(tree);
  async function pack(kind: PackKind, chunks: readonly NamedChunk[]): Promise<Buffer> {
    const packId = systemRandom.bytes(16);
    const builder = new PackBuilder({
      ...place,
      packId,
      kind,
      sessionKey: session.wrapped,
      uploaderId: uuidToBytes(agentId),
    });
    const sealer = new FrameSealer({ context: { ...place, kind }, sessionKey: session.sessionKey, padded: true });
    const pieces: Buffer[] = [builder.header];
    const gatherer = new FrameGatherer((frame) => {
      const sealed = sealer.seal(frame);
      builder.add(sealed);
      pieces.push(Buffer.from(sealed.stored));
    });
    for (const chunk of distinct(chunks)) gatherer.add(chunk);
    gatherer.flush();
    await gateway.store(command.vaultId).put(packName(packId), Buffer.concat([...pieces, builder.finish().bytes]));
    return packId;
  }
  return {
    rootNode,
    packIds: { data: await pack(PackKind.PACK_KIND_DATA, data), node: await pack(PackKind.PACK_KIND_NODE, nodes) },
  };
}

function distinct(chunks: readonly NamedChunk[]): NamedChunk[] {
  return [...new Map(chunks.map((chunk) => [Buffer.from(chunk.id).toString('hex'), chunk])).values()];
}
