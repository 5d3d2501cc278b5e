/** Test vectors for docs/design/vault-format.md: fixed inputs, and what the engine makes of them. Bytes are hex. */
import {
  Chunker,
  ChunkHasher,
  createDomain,
  createSessionKey,
  createSigner,
  DirectoryBuilder,
  DomainScope,
  deriveFrameKey,
  EntryType,
  encodePackHeader,
  encodePackTrailer,
  FileBuilder,
  FrameSealer,
  formatRecoveryKit,
  KeyDeriver,
  NodeWriter,
  PackKind,
  padmeLength,
  planChunker,
  SignedKind,
  SlotKind,
  signObject,
  treeEntry,
  wrapVaultKey,
} from '@holdfast/core/engine';
import { seededRandom } from '@holdfast/core/ids';

export type VectorFile = Record<string, unknown>;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const filled = (length: number, value: number): Buffer => Buffer.alloc(length, value);

const vaultId = filled(16, 0x01);
const domainId = filled(16, 0x02);
const idKey = filled(32, 0x03);
const chunkerKey = filled(32, 0x04);
const sessionKey = filled(32, 0x05);
const secret = filled(32, 0x06);
const vaultKey = filled(32, 0x07);
const seed = filled(32, 0x08);

/** Bytes that anyone can make again: SHA-256 of u32le 0, 1, 2, …, one after another. */
export function countedStream(length: number, hash: (bytes: Buffer) => Buffer): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, n) => {
    const counter = Buffer.alloc(4);
    counter.writeUInt32LE(n);
    return hash(counter);
  });
  return Buffer.concat(blocks).subarray(0, length);
}

export async function computeVectors(hash: (bytes: Buffer) => Buffer): Promise<Record<string, VectorFile>> {
  return {
    'chunker.json': chunkerVectors(hash),
    'chunks.json': chunkVectors(),
    'frames.json': frameVectors(),
    'packs.json': packVectors(),
    'nodes.json': nodeVectors(),
    'keys.json': await keyVectors(),
  };
}

function chunkerVectors(hash: (bytes: Buffer) => Buffer): VectorFile {
  const parameters = { minBytes: 64, normalBytes: 256, maxBytes: 1024 };
  const plan = planChunker(chunkerKey, parameters);
  const stream = countedStream(8192, hash);
  const chunker = new Chunker(plan, stream.length);
  chunker.room.set(stream);
  const ends: number[] = [];
  for (let at = chunker.cut(chunker.room, 0, stream.length); at >= 0; at = chunker.cut(chunker.room, at, stream.length))
    ends.push(at);
  return {
    chunkerKey: hex(chunkerKey),
    parameters,
    tableStart: [...plan.table.subarray(0, 4)].map((word) => word >>> 0),
    strictMask: plan.strictMask >>> 0,
    looseMask: plan.looseMask >>> 0,
    stream: 'SHA-256 of u32le 0, 1, 2, …: 8,192 bytes',
    ends,
  };
}

function chunkVectors(): VectorFile {
  const hasher = new ChunkHasher(idKey);
  const edges = Buffer.concat([filled(32, 0x10), filled(32, 0x20)]);
  const of = (kind: PackKind, edgeSet: Buffer, plaintext: Buffer) => {
    const { claim, id } = hasher.name(kind, edgeSet, plaintext);
    return { kind, edges: hex(edgeSet), plaintext: hex(plaintext), claim: hex(claim), id: hex(id) };
  };
  return {
    idKey: hex(idKey),
    chunks: [
      of(PackKind.PACK_KIND_DATA, Buffer.alloc(0), Buffer.from('hello, vault\n')),
      of(PackKind.PACK_KIND_NODE, edges, Buffer.from('0a00', 'hex')),
    ],
  };
}

function frameVectors(): VectorFile {
  const context = { vaultId, domainId, kind: PackKind.PACK_KIND_DATA };
  const hasher = new ChunkHasher(idKey);
  const contents = [Buffer.from('hello, vault\n'), Buffer.from('second chunk')];
  const chunks = contents.map((plaintext) => ({ id: hasher.nameData(plaintext).id, length: plaintext.length }));
  const frames = [false, true].map((padded) => {
    const sealer = new FrameSealer({ context, sessionKey, padded });
    const { stored, entry } = sealer.seal({ plaintext: Buffer.concat(contents), chunks });
    return {
      padded,
      codec: entry.codec,
      plainLength: entry.plainLength,
      storedLength: entry.storedLength,
      frameKey: hex(deriveFrameKey(new KeyDeriver(sessionKey), entry)),
      stored: hex(stored),
      storedCheck: hex(entry.storedCheck),
    };
  });
  return {
    vaultId: hex(vaultId),
    domainId: hex(domainId),
    kind: context.kind,
    sessionKey: hex(sessionKey),
    chunkIds: chunks.map(({ id }) => hex(id)),
    plaintexts: contents.map(hex),
    frames,
    padme: [1, 9, 100, 1000, 65_537, 1_000_000, 8_388_612].map((length) => [length, padmeLength(length)]),
  };
}

function packVectors(): VectorFile {
  const footer = Buffer.from('not a footer, but hashed as one', 'ascii');
  return {
    dataHeader: hex(encodePackHeader(PackKind.PACK_KIND_DATA)),
    nodeHeader: hex(encodePackHeader(PackKind.PACK_KIND_NODE)),
    footer: hex(footer),
    trailer: hex(encodePackTrailer(footer)),
  };
}

function nodeVectors(): VectorFile {
  const nodes: VectorFile[] = [];
  const writer = new NodeWriter(new ChunkHasher(idKey), chunkerKey, ({ id, edges, plaintext }) => {
    nodes.push({ id: hex(id), edges: hex(edges), plaintext: hex(plaintext) });
  });
  const file = new FileBuilder(writer);
  file.add({ id: filled(32, 0x30), offset: 0, length: 4096 });
  file.add({ id: filled(32, 0x20), offset: 8192, length: 100 });
  const content = file.finish(10_000);
  const directory = new DirectoryBuilder(writer);
  directory.add(
    treeEntry({
      name: Buffer.from('a'),
      type: EntryType.ENTRY_TYPE_FILE,
      mode: 0o644,
      uid: 1000,
      gid: 1000,
      mtimeSeconds: -1,
      mtimeNanos: 5,
      size: 10_000,
      ...(content && { content }),
    }),
  );
  directory.add(
    treeEntry({
      name: Buffer.from('b'),
      type: EntryType.ENTRY_TYPE_SYMLINK,
      mode: 0o777,
      linkTarget: Buffer.from('a'),
    }),
  );
  directory.finish();

  const sizes: number[] = [];
  const large = new DirectoryBuilder(
    new NodeWriter(new ChunkHasher(idKey), chunkerKey, ({ plaintext }) => sizes.push(plaintext.length)),
  );
  for (let n = 0; n < 5_000; n++) {
    large.add(treeEntry({ name: Buffer.from(`entry-${String(n).padStart(4, '0')}`), type: EntryType.ENTRY_TYPE_FIFO }));
  }
  return {
    idKey: hex(idKey),
    chunkerKey: hex(chunkerKey),
    splitKey: hex(writer.splitKey),
    file: nodes[0],
    directory: nodes[1],
    largeDirectory: {
      rootId: hex(large.finish()),
      entries: 'FIFOs entry-0000 to entry-4999, everything else absent',
      nodeBytes: sizes,
    },
  };
}

async function keyVectors(): Promise<VectorFile> {
  const slot = wrapVaultKey(
    { vaultId, kind: SlotKind.SLOT_KIND_PLATFORM, secret, vaultKey, createdAtMs: 0 },
    seededRandom('slot vector'),
  );
  const { domain, secret: keys } = await createDomain(
    { vaultId, vaultKey, domainId, scope: DomainScope.DOMAIN_SCOPE_VAULT },
    seededRandom('domain vector'),
  );
  const session = await createSessionKey(domain.publicKey, { vaultId, domainId }, seededRandom('session vector'));
  const signer = createSigner(seed);
  return {
    slot: {
      vaultId: hex(vaultId),
      kind: slot.kind,
      secret: hex(secret),
      vaultKey: hex(vaultKey),
      slotId: hex(slot.slotId),
      salt: hex(slot.salt),
      wrappedVaultKey: hex(slot.wrappedVaultKey),
      wrappingKeyId: hex(slot.wrappingKeyId),
    },
    recoveryKit: { secret: hex(secret), text: formatRecoveryKit(secret) },
    session: {
      vaultId: hex(vaultId),
      domainId: hex(domainId),
      privateKey: hex(keys.privateKey),
      publicKey: hex(domain.publicKey),
      encapsulated: hex(session.wrapped.encapsulated),
      ciphertext: hex(session.wrapped.ciphertext),
      sessionKey: hex(session.sessionKey),
    },
    signature: {
      seed: hex(seed),
      publicKey: hex(signer.publicKey),
      kind: SignedKind.Point,
      name: 'point/x',
      payload: hex(Buffer.from('payload')),
      object: hex(signObject(signer, SignedKind.Point, 'point/x', Buffer.from('payload'))),
    },
  };
}
