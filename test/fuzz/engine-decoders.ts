/** Every decoder of the engine, with bytes that it takes. What is signed or hashed is also damaged before that, so that the parser behind sees it. */
import {
  BackupType,
  ChunkHasher,
  Consistency,
  createDomain,
  createRecoveryKitSecret,
  createSessionKey,
  createSigner,
  DirectoryBuilder,
  DomainScope,
  decodeDomain,
  decodeFrameEntry,
  decodePackHeader,
  decodePackTrailer,
  decodeWrappedSessionKey,
  descriptorName,
  EMPTY_LOG,
  EntryType,
  encodeDescriptor,
  encodeDomain,
  encodeDomainObject,
  encodeFrameEntry,
  encodeLogEntry,
  encodePackFooter,
  encodePackHeader,
  encodePackIndex,
  encodePackTrailer,
  encodePoint,
  encodeWrappedSessionKey,
  FileBuilder,
  type FrameContext,
  type FrameEntry,
  FrameSealer,
  formatRecoveryKit,
  frameDigest,
  KeyMode,
  LogReader,
  MemoryStore,
  NodeWriter,
  namePoint,
  openBox,
  openChunks,
  openDescriptor,
  openDomain,
  openDomainObject,
  openFrame,
  openPackIndex,
  openPoint,
  openReleasedKey,
  openSessionKey,
  openSignedObject,
  PackBuilder,
  PackKind,
  PackVerifier,
  packName,
  parseNode,
  parseObjectName,
  parsePackFooter,
  parseRecoveryKit,
  peekPoint,
  peekSignedObject,
  Redundancy,
  readFrame,
  readLatestDescriptor,
  readPackFooter,
  releaseFrameKey,
  type SealedFrame,
  SignedKind,
  SlotKind,
  sealBox,
  sealReleasedKey,
  sha256,
  signObject,
  sortedIdSet,
  treeEntry,
  unwrapVaultKey,
  wrapVaultKey,
} from '@holdfast/core/engine';
import { isHoldfastError } from '@holdfast/core/errors';
import { seededRandom } from '@holdfast/core/ids';
import type { Decoder } from '../kit/fuzz.js';

const MIB = 1 << 20;
const random = seededRandom('engine decoders');
const vaultId = random.bytes(16);
const domainId = random.bytes(16);
const vaultKey = random.bytes(32);
const place = { vaultId, domainId };
const signer = createSigner(random.bytes(32));
const { domain, secret } = await createDomain(
  { vaultId, vaultKey, domainId, scope: DomainScope.DOMAIN_SCOPE_VAULT },
  random,
);
const hasher = new ChunkHasher(secret.idKey);
const { sessionKey, wrapped } = await createSessionKey(domain.publicKey, place, random);

/** Where a decoder answers undefined, or the like, for what it does not take. */
class RefusedError extends Error {}

const damage = (error: unknown): boolean => isHoldfastError(error, 'Integrity') || error instanceof RefusedError;
const otherKey = (error: unknown): boolean => damage(error) || isHoldfastError(error, 'WrongKey');

/** A value that was accepted is what exactly these bytes say. */
const canonical =
  <T>(encode: (value: T) => Uint8Array) =>
  (value: unknown, bytes: Buffer): string | undefined =>
    Buffer.from(encode(value as T)).equals(bytes) ? undefined : 'it took another spelling of a value';

const contextOf = (kind: PackKind): FrameContext => ({ vaultId, domainId, kind });

function seal(kind: PackKind, contents: readonly Buffer[], edges?: Buffer): SealedFrame {
  const chunks = contents.map((content) => ({
    id: hasher.name(kind, edges ?? Buffer.alloc(0), content).id,
    length: content.length,
    ...(edges && { edges }),
  }));
  const sealer = new FrameSealer({ context: contextOf(kind), sessionKey, padded: true });
  return sealer.seal({ plaintext: Buffer.concat(contents), chunks });
}

interface Pack {
  readonly kind: PackKind;
  readonly packId: Buffer;
  readonly frames: readonly SealedFrame[];
  readonly footer: Buffer;
  readonly object: Buffer;
}

function pack(kind: PackKind, frames: readonly SealedFrame[]): Pack {
  const packId = random.bytes(16);
  const builder = new PackBuilder({ ...contextOf(kind), packId, sessionKey: wrapped, uploaderId: Buffer.alloc(16, 8) });
  for (const frame of frames) builder.add(frame);
  const { footerBytes, bytes } = builder.finish();
  const object = Buffer.concat([encodePackHeader(kind), ...frames.map(({ stored }) => stored), bytes]);
  return { kind, packId, frames, footer: Buffer.from(footerBytes), object };
}

const nodes: { readonly plaintext: Buffer; readonly edges: Buffer }[] = [];
const writer = new NodeWriter(hasher, secret.chunkerKey, (node) => nodes.push(node));
const file = new FileBuilder(writer);
for (let at = 0; at < 3; at += 1) file.add({ id: Buffer.alloc(32, at + 1), offset: at * MIB, length: MIB });
const content = file.finish(3 * MIB);
const directory = new DirectoryBuilder(writer);
for (const name of ['a', 'b'])
  directory.add(treeEntry({ name: Buffer.from(name), type: EntryType.ENTRY_TYPE_FIFO, mode: 0o644 }));
directory.add(
  treeEntry({ name: Buffer.from('c'), type: EntryType.ENTRY_TYPE_FILE, mode: 0o644, size: 3 * MIB, content }),
);
directory.finish();

const edgesOfNode = sortedIdSet([Buffer.alloc(32, 4), Buffer.alloc(32, 3)]);
const dataFrame = seal(PackKind.PACK_KIND_DATA, [Buffer.from('one'), Buffer.from('two and a half')]);
const textFrame = seal(PackKind.PACK_KIND_DATA, [Buffer.alloc(5_000, 'the same again. ')]);
const dataPack = pack(PackKind.PACK_KIND_DATA, [dataFrame, textFrame]);
const nodePack = pack(PackKind.PACK_KIND_NODE, [seal(PackKind.PACK_KIND_NODE, [Buffer.from('node')], edgesOfNode)]);
const packs = [dataPack, nodePack];
const footerOf = ({ footer }: Pack) => parsePackFooter(footer);
const entryOf = ({ entry }: SealedFrame): FrameEntry => ({ offset: 16n, ...entry });
const keyOf = (entry: FrameEntry): Buffer => releaseFrameKey(sessionKey, frameDigest(entry));

const slot = wrapVaultKey(
  { vaultId, kind: SlotKind.SLOT_KIND_PLATFORM, secret: Buffer.alloc(32), vaultKey, createdAtMs: 1 },
  random,
);
const descriptor = encodeDescriptor(signer, {
  formatVersion: 1,
  compatibleFeatures: 0n,
  readOnlyCompatibleFeatures: 0n,
  incompatibleFeatures: 0n,
  vaultId,
  generation: 1n,
  vaultName: 'vault',
  keyMode: KeyMode.KEY_MODE_PLATFORM,
  redundancy: Redundancy.REDUNDANCY_LRS,
  signingPublicKey: signer.publicKey,
  slots: [slot],
  vaultDomain: domain,
  createdAtMs: 1n,
});
const point = encodePoint(signer, {
  vaultId,
  pointId: Buffer.alloc(16, 1),
  itemId: Buffer.alloc(16, 2),
  sequence: 1n,
  previousSha256: Buffer.alloc(0),
  backupType: BackupType.BACKUP_TYPE_FULL,
  committedAtMs: 1_800_000_000_000n,
  requires: [Buffer.alloc(16, 6)],
  rootNode: Buffer.alloc(32, 3),
  domainId,
  consistency: Consistency.CONSISTENCY_CRASH,
  basePointId: Buffer.alloc(0),
  agentId: Buffer.alloc(16, 4),
  jobId: Buffer.alloc(16, 5),
  statistics: {
    entries: 1n,
    files: 1n,
    bytesTotal: 1n,
    bytesRead: 1n,
    bytesChanged: 1n,
    bytesSent: 1n,
    bytesStored: 1n,
    warnings: 0n,
  },
  workload: 'FILES',
});
const log = encodeLogEntry(
  signer,
  vaultId,
  EMPTY_LOG,
  { $case: 'packsDeleted', value: { packIds: [Buffer.alloc(16, 1), Buffer.alloc(16, 2)] } },
  1,
);
const domainObject = encodeDomainObject(signer, domain);
const index = encodePackIndex(vaultId, 1n, packs.map(footerOf));
const INDEX_HEAD = 40;
const payloadOf = ({ name, bytes }: { readonly name: string; readonly bytes: Buffer }): Buffer =>
  Buffer.from(peekSignedObject(name, bytes));
const kit = createRecoveryKitSecret(random);
const transportKey = random.bytes(32);
const text = (bytes: Buffer): string => bytes.toString('utf8');

export const ENGINE_DECODERS: readonly Decoder[] = [
  {
    name: 'decodePackHeader',
    samples: packs.map(({ object }) => object.subarray(0, 16)),
    decode: decodePackHeader,
    refuses: damage,
    flaw: canonical(encodePackHeader),
  },
  {
    name: 'decodePackTrailer',
    samples: packs.map(({ footer }) => encodePackTrailer(footer)),
    decode: (bytes) => decodePackTrailer(bytes, 100_000),
    refuses: damage,
  },
  {
    name: 'parsePackFooter',
    samples: packs.map(({ footer }) => footer),
    decode: parsePackFooter,
    refuses: damage,
    flaw: canonical(encodePackFooter),
  },
  {
    name: 'readPackFooter',
    samples: [dataPack.object],
    decode: (object) => fromStore(object, (store) => readPackFooter(store, dataPack.packId)),
    refuses: damage,
  },
  {
    name: 'readPackFooter',
    samples: [dataPack.footer],
    decode: (footer) => fromStore(withFooter(footer), (store) => readPackFooter(store, dataPack.packId)),
    refuses: damage,
  },
  {
    name: 'readFrame',
    samples: [dataPack.object],
    decode: (object) => fromStore(object, (store) => readFrame(store, dataPack.packId, entryOf(dataFrame))),
    refuses: damage,
  },
  {
    name: 'PackVerifier',
    samples: packs.map(({ footer }) => footer),
    decode: (footer) => packs.some((each) => verifies(each, footer)) || refused(),
    refuses: damage,
  },
  {
    name: 'decodeFrameEntry',
    samples: [dataFrame, textFrame].map((frame) => encodeFrameEntry(entryOf(frame))),
    decode: (bytes) => decodeFrameEntry(bytes, PackKind.PACK_KIND_DATA),
    refuses: damage,
    flaw: canonical(encodeFrameEntry),
  },
  {
    name: 'openFrame',
    samples: [textFrame.stored],
    decode: (stored) =>
      openFrame(keyOf(entryOf(textFrame)), contextOf(PackKind.PACK_KIND_DATA), entryOf(textFrame), stored),
    refuses: damage,
  },
  {
    name: 'openChunks',
    samples: [encodeFrameEntry(entryOf(textFrame))],
    decode: openWithEntry,
    refuses: damage,
    mostBytes: 9 * MIB,
  },
  {
    name: 'openPackIndex',
    samples: [index.bytes],
    decode: (bytes) => openPackIndex({ name: index.name, bytes }),
    refuses: damage,
  },
  {
    name: 'openPackIndex',
    samples: [index.bytes.subarray(INDEX_HEAD)],
    decode: (message) =>
      openPackIndex({ name: index.name, bytes: Buffer.concat([index.bytes.subarray(0, 8), sha256(message), message]) }),
    refuses: damage,
  },
  {
    name: 'openSignedObject',
    samples: [point.bytes],
    decode: (bytes) => openSignedObject(signer.publicKey, SignedKind.Point, point.name, bytes),
    refuses: damage,
  },
  {
    name: 'peekSignedObject',
    samples: [point.bytes],
    decode: (bytes) => peekSignedObject(point.name, bytes),
    refuses: damage,
  },
  {
    name: 'openPoint',
    samples: [payloadOf(point)],
    decode: (payload) => openPoint(signer.publicKey, resigned(SignedKind.Point, point.name, payload)),
    refuses: damage,
  },
  {
    name: 'peekPoint',
    samples: [payloadOf(point)],
    decode: (payload) => peekPoint(resigned(SignedKind.Point, point.name, payload)),
    refuses: damage,
  },
  { name: 'namePoint', samples: [point.bytes], decode: namePoint, refuses: damage },
  {
    name: 'openDescriptor',
    samples: [payloadOf(descriptor)],
    decode: (payload) => openDescriptor(resigned(SignedKind.Descriptor, descriptor.name, payload), signer.publicKey),
    refuses: tooNewOrDamaged,
  },
  {
    name: 'readLatestDescriptor',
    samples: [descriptor.bytes],
    decode: (bytes) => fromStore(bytes, (store) => readLatestDescriptor(store, signer.publicKey), descriptorName(1n)),
    refuses: tooNewOrDamaged,
  },
  {
    name: 'LogReader',
    samples: [payloadOf(log)],
    decode: (payload) => new LogReader(signer.publicKey, vaultId).next(resigned(SignedKind.Log, log.name, payload)),
    refuses: damage,
  },
  {
    name: 'openDomainObject',
    samples: [payloadOf(domainObject)],
    decode: (payload) => openDomainObject(signer.publicKey, resigned(SignedKind.Domain, domainObject.name, payload)),
    refuses: damage,
  },
  {
    name: 'decodeDomain',
    samples: [encodeDomain(domain)],
    decode: decodeDomain,
    refuses: damage,
    flaw: canonical(encodeDomain),
  },
  {
    name: 'openDomain',
    samples: [encodeDomain(domain)],
    decode: (bytes) => openDomain(vaultKey, vaultId, decodeDomain(bytes)),
    refuses: otherKey,
  },
  {
    name: 'decodeWrappedSessionKey',
    samples: [encodeWrappedSessionKey(wrapped)],
    decode: decodeWrappedSessionKey,
    refuses: damage,
    flaw: canonical(encodeWrappedSessionKey),
  },
  {
    name: 'openSessionKey',
    samples: [encodeWrappedSessionKey(wrapped)],
    decode: (bytes) => openSessionKey(secret.privateKey, place, decodeWrappedSessionKey(bytes)),
    refuses: otherKey,
  },
  {
    name: 'openReleasedKey',
    samples: [sealReleasedKey(transportKey, place, frameDigest(entryOf(dataFrame)), random.bytes(32), random)],
    decode: (sealed) => openReleasedKey(transportKey, place, frameDigest(entryOf(dataFrame)), sealed),
    refuses: otherKey,
  },
  {
    name: 'openBox',
    samples: [sealBox(transportKey, Buffer.of(1), Buffer.from('secret'), random)],
    decode: (box) => openBox(transportKey, Buffer.of(1), box) ?? refused(),
    refuses: damage,
  },
  {
    name: 'unwrapVaultKey',
    samples: [slot.wrappedVaultKey],
    decode: (wrappedVaultKey) => unwrapVaultKey(vaultId, { ...slot, wrappedVaultKey }, Buffer.alloc(32)),
    refuses: otherKey,
  },
  {
    name: 'parseRecoveryKit',
    samples: [Buffer.from(formatRecoveryKit(kit))],
    decode: (bytes) => parseRecoveryKit(text(bytes)),
    refuses: (error) => isHoldfastError(error, 'Validation'),
  },
  {
    name: 'parseObjectName',
    samples: [Buffer.from(packName(vaultId)), Buffer.from(log.name)],
    decode: (bytes) => parseObjectName(text(bytes)) ?? refused(),
    refuses: damage,
  },
  ...nodes.map(({ plaintext, edges }) => ({
    name: 'parseNode',
    samples: [plaintext],
    decode: (bytes: Buffer) => parseNode(bytes, edges),
    refuses: damage,
  })),
  {
    name: 'parseNode',
    samples: nodes.map(({ edges }) => edges),
    decode: (edges) =>
      nodes.map(({ plaintext }) => orDamage(() => parseNode(plaintext, edges))).find((node) => node !== undefined) ??
      refused(),
    refuses: damage,
  },
];

/** Exported under such a name, and yet no decoders of bytes that come from elsewhere; with the reason. */
export const NO_DECODERS: Readonly<Record<string, string>> = {
  openLocalStore: 'opens a folder',
  decodeMessage: 'is what all of them read messages with',
  decompress: 'is reached by openChunks, with a length that was checked',
  splitFrame: 'cuts what openFrame has opened',
  readDirectory: 'follows nodes that parseNode has read',
  readExtents: 'follows nodes that parseNode has read',
};

function refused(): never {
  throw new RefusedError('refused');
}

function tooNewOrDamaged(error: unknown): boolean {
  return damage(error) || isHoldfastError(error, 'IllegalState');
}

function orDamage<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (damage(error)) return undefined;
    throw error;
  }
}

function resigned(kind: SignedKind, name: string, payload: Buffer): { readonly name: string; readonly bytes: Buffer } {
  return { name, bytes: signObject(signer, kind, name, payload) };
}

async function fromStore<T>(
  object: Buffer,
  read: (store: MemoryStore) => Promise<T>,
  name = packName(dataPack.packId),
): Promise<T> {
  const store = new MemoryStore();
  await store.put(name, object);
  return read(store);
}

/** The data pack with another footer, and a trailer that goes with it. */
function withFooter(footer: Buffer): Buffer {
  const frames = dataPack.object.subarray(0, dataPack.object.length - dataPack.footer.length - 48);
  return Buffer.concat([frames, footer, encodePackTrailer(footer)]);
}

function verifies({ kind, packId, frames }: Pack, footer: Buffer): boolean {
  return (
    orDamage(() => {
      const verifier = new PackVerifier({ vaultId, packId, kind, domainId, uploaderId: Buffer.alloc(16, 8) });
      for (const { stored } of frames) verifier.frame(stored, true);
      return verifier.footer(footer);
    }) !== undefined
  );
}

/** As somebody would who seals under an entry of their own making: the frame's key goes with the entry. */
function openWithEntry(bytes: Buffer): unknown {
  const entry = decodeFrameEntry(bytes, PackKind.PACK_KIND_DATA);
  return openChunks(hasher, keyOf(entry), contextOf(PackKind.PACK_KIND_DATA), entry, textFrame.stored);
}
