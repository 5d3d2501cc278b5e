import {
  ChunkHasher,
  createDomain,
  createSessionKey,
  DomainScope,
  type FrameCodec,
  nodeCodec,
  PackKind,
  parsePackFooter,
} from '@holdfast/core/engine';
import { seededRandom } from '@holdfast/core/ids';
import { describe, expect, it } from 'vitest';
import { PACK_BUFFER_BYTES, PackSealer, type SealedPack } from './pack-sealer.js';

const random = seededRandom('pack sealer');
const place = { vaultId: random.bytes(16), domainId: random.bytes(16) };
const hasher = new ChunkHasher(Buffer.alloc(32, 1));
const { domain } = await createDomain(
  { ...place, vaultKey: Buffer.alloc(32), scope: DomainScope.DOMAIN_SCOPE_VAULT },
  random,
);

async function sealAll(contents: readonly Buffer[], codec: FrameCodec = nodeCodec): Promise<SealedPack[]> {
  const packs: SealedPack[] = [];
  const sealer = new PackSealer({
    ...place,
    kind: 'DATA',
    uploaderId: random.bytes(16),
    key: await createSessionKey(domain.publicKey, place, random),
    maxPackBytes: 64 * 1024 * 1024,
    padded: false,
    paranoid: false,
    hasher,
    codec,
    random,
    takeBuffer: async () => ({ bytes: Buffer.alloc(PACK_BUFFER_BYTES) }),
    emit: (pack) => packs.push(pack),
  });
  for (const plaintext of contents) {
    const { id } = hasher.name(PackKind.PACK_KIND_DATA, Buffer.alloc(0), plaintext);
    await sealer.add({ id, plaintext });
  }
  await sealer.finish();
  return packs;
}

function idsIn(pack: SealedPack): string[] {
  return parsePackFooter(pack.footer).frames.flatMap(({ chunkIds }) =>
    Array.from({ length: chunkIds.length / 32 }, (_, at) => chunkIds.toString('hex', at * 32, at * 32 + 32)),
  );
}

describe('sealing packs', () => {
  it('seals a chunk once that comes again while its pack is being filled', async () => {
    const [small, large] = [Buffer.from('small'), random.bytes(3 << 20)];
    const [pack, ...more] = await sealAll([small, small, large, small, large, Buffer.from('other'), small]);
    expect(more).toEqual([]);
    expect(idsIn(pack as SealedPack)).toHaveLength(3);
  });

  it('seals it again for a pack after that', async () => {
    const again = random.bytes(1 << 20);
    const filling = Array.from({ length: 6 }, () => random.bytes(3 << 20));
    const packs = await sealAll([again, ...filling, again]);
    const { id } = hasher.name(PackKind.PACK_KIND_DATA, Buffer.alloc(0), again);
    expect(packs.map((pack) => idsIn(pack).filter((each) => each === id.toString('hex')).length)).toEqual([1, 1]);
  });

  it('ends a pack at a quarter GiB of plaintext, however little of it is left', async () => {
    const contents = Array.from({ length: 65 }, (_, number) =>
      Buffer.alloc(4 << 20, `${number} of very many the same`),
    );
    const packs = await sealAll(contents);
    expect(packs.map((pack) => idsIn(pack).length)).toEqual([64, 1]);
  });

  it('does not ask the codec that sealed a frame whether it opens', async () => {
    const blind: FrameCodec = {
      ...nodeCodec,
      open: () => Buffer.alloc(0),
      decompress: () => Buffer.alloc(0),
    };
    expect((await sealAll([random.bytes(5_000)], blind)).map(({ spoiled }) => spoiled)).toEqual([undefined]);
    const wrong: FrameCodec = {
      ...nodeCodec,
      seal(key, binding, parts, out) {
        nodeCodec.seal(key, binding, parts, out);
        out.writeUInt8(out.readUInt8(9) ^ 1, 9);
      },
    };
    expect((await sealAll([random.bytes(5_000)], wrong)).map(({ spoiled }) => spoiled)).toEqual([
      expect.stringContaining('does not open'),
    ]);
  });
});
