/**
 * A small vault with one of everything that the format can hold, the same on every run: keys, ids and
 * content come from a seed, times are fixed. What it writes is committed, and every later version must
 * read it; see golden.test.ts.
 */
import {
  BackupType,
  type BuiltNode,
  Chunker,
  ChunkHasher,
  Consistency,
  type ContentRef,
  createDomain,
  createSessionKey,
  createSigner,
  DirectoryBuilder,
  DomainScope,
  EMPTY_LOG,
  EntryDefect,
  EntryType,
  encodeDescriptor,
  encodeDomainObject,
  encodeLogEntry,
  encodePackIndex,
  encodePoint,
  FileBuilder,
  FrameGatherer,
  FrameSealer,
  formatRecoveryKit,
  KeyMode,
  LogReader,
  type NamedObject,
  NodeWriter,
  type ObjectStore,
  PackBuilder,
  type PackFooter,
  PackKind,
  packName,
  planChunker,
  Redundancy,
  SlotKind,
  type TreeEntry,
  treeEntry,
  wrapVaultKey,
} from '@holdfast/core/engine';
import { seededRandom } from '@holdfast/core/ids';

const CREATED_AT_MS = 1_795_000_000_000;
/** Small bounds, so that small files have many chunks. */
const CHUNKER = { minBytes: 2048, normalBytes: 4096, maxBytes: 16_384 };

export interface GoldenKeys {
  readonly masterKey: string;
  readonly recoveryKit: string;
  readonly signingPublicKey: string;
  readonly vaultId: string;
  readonly pointId: string;
}

interface NewFile {
  readonly content: Buffer;
  /** Runs of data, as [offset, end); everything when absent. */
  readonly runs?: readonly (readonly [number, number])[];
}

/** Writes the vault into an empty store and returns what opens it. */
export async function writeGoldenVault(store: ObjectStore): Promise<GoldenKeys> {
  const random = seededRandom('holdfast golden vault v1');
  const [vaultId, domainId, itemId, agentId, jobId, pointId, serverId] = Array.from({ length: 7 }, () =>
    random.bytes(16),
  ) as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];
  const [masterKey, kit, vaultKey, seed] = Array.from({ length: 4 }, () => random.bytes(32)) as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ];
  const signer = createSigner(seed);
  const put = async ({ name, bytes }: NamedObject) => void (await store.put(name, bytes, { ifAbsent: true }));

  const { domain, secret } = await createDomain(
    { vaultId, vaultKey, domainId, scope: DomainScope.DOMAIN_SCOPE_VAULT, chunker: CHUNKER },
    random,
  );
  const ofItem = await createDomain(
    { vaultId, vaultKey, domainId: random.bytes(16), scope: DomainScope.DOMAIN_SCOPE_ITEM, itemId },
    random,
  );
  const slotOf = (kind: SlotKind.SLOT_KIND_PLATFORM | SlotKind.SLOT_KIND_RECOVERY_KIT, key: Buffer) =>
    wrapVaultKey({ vaultId, kind, secret: key, vaultKey, createdAtMs: CREATED_AT_MS }, random);
  await put(
    encodeDescriptor(signer, {
      formatVersion: 1,
      compatibleFeatures: 0n,
      readOnlyCompatibleFeatures: 0n,
      incompatibleFeatures: 0n,
      vaultId,
      generation: 1n,
      vaultName: 'golden',
      keyMode: KeyMode.KEY_MODE_PLATFORM,
      redundancy: Redundancy.REDUNDANCY_LRS,
      signingPublicKey: signer.publicKey,
      slots: [slotOf(SlotKind.SLOT_KIND_PLATFORM, masterKey), slotOf(SlotKind.SLOT_KIND_RECOVERY_KIT, kit)],
      vaultDomain: domain,
      createdAtMs: BigInt(CREATED_AT_MS),
    }),
  );
  await put(encodeDomainObject(signer, ofItem.domain));
  const log = new LogReader(signer.publicKey, vaultId);
  const owned = encodeLogEntry(signer, vaultId, EMPTY_LOG, { $case: 'ownerTaken', value: { serverId } }, CREATED_AT_MS);
  log.next(owned);
  await put(owned);
  await put(
    encodeLogEntry(
      signer,
      vaultId,
      log.head,
      { $case: 'packsDeleted', value: { packIds: [Buffer.alloc(16, 7)] } },
      CREATED_AT_MS,
    ),
  );

  const place = { vaultId, domainId };
  const { sessionKey, wrapped } = await createSessionKey(domain.publicKey, place, random);
  const hasher = new ChunkHasher(secret.idKey);
  const packs = {
    [PackKind.PACK_KIND_DATA]: packOf(PackKind.PACK_KIND_DATA),
    [PackKind.PACK_KIND_NODE]: packOf(PackKind.PACK_KIND_NODE),
  };

  function packOf(kind: PackKind.PACK_KIND_DATA | PackKind.PACK_KIND_NODE) {
    const sealer = new FrameSealer({
      context: { ...place, kind },
      sessionKey,
      padded: kind === PackKind.PACK_KIND_DATA,
    });
    const packId = random.bytes(16);
    const builder = new PackBuilder({ ...place, packId, kind, sessionKey: wrapped, uploaderId: agentId });
    const bytes = [builder.header];
    const gatherer = new FrameGatherer((frame) => {
      const sealed = sealer.seal(frame);
      builder.add(sealed);
      bytes.push(sealed.stored);
    });
    return { packId, builder, bytes, gatherer, seen: new Set<string>() };
  }

  function addChunk(
    kind: PackKind.PACK_KIND_DATA | PackKind.PACK_KIND_NODE,
    chunk: { id: Buffer; plaintext: Buffer; edges?: Buffer },
  ): void {
    const { seen, gatherer } = packs[kind];
    if (seen.has(chunk.id.toString('hex'))) return;
    seen.add(chunk.id.toString('hex'));
    gatherer.add(chunk);
  }

  const writer = new NodeWriter(hasher, secret.chunkerKey, (node: BuiltNode) =>
    addChunk(PackKind.PACK_KIND_NODE, node),
  );
  const plan = planChunker(secret.chunkerKey, CHUNKER);

  function storeFile({ content, runs = [[0, content.length]] }: NewFile): ContentRef | undefined {
    const chunker = new Chunker(plan, content.length);
    chunker.room.set(content);
    const file = new FileBuilder(writer);
    for (const [from, to] of runs) {
      for (let at = from; at < to; ) {
        const cut = chunker.cut(chunker.room, at, to);
        const end = cut < 0 ? to : cut;
        chunker.reset();
        const plaintext = content.subarray(at, end);
        const { id } = hasher.nameData(plaintext);
        addChunk(PackKind.PACK_KIND_DATA, { id, plaintext });
        file.add({ id, offset: at, length: end - at });
        at = end;
      }
    }
    return file.finish(content.length);
  }

  function storeDirectory(entries: readonly TreeEntry[]): ContentRef {
    const builder = new DirectoryBuilder(writer);
    for (const entry of entries.toSorted((a, b) => Buffer.compare(a.name, b.name))) builder.add(entry);
    return { kind: 'node', id: builder.finish() };
  }

  const fileOf = (name: string | Buffer, file: NewFile, given: Partial<TreeEntry> = {}): TreeEntry =>
    treeEntry({
      name: Buffer.from(name),
      type: EntryType.ENTRY_TYPE_FILE,
      mode: 0o644,
      size: file.content.length,
      content: storeFile(file),
      ...given,
    });
  const directoryOf = (name: string, entries: readonly TreeEntry[], given: Partial<TreeEntry> = {}): TreeEntry =>
    treeEntry({
      name: Buffer.from(name),
      type: EntryType.ENTRY_TYPE_DIRECTORY,
      mode: 0o755,
      content: storeDirectory(entries),
      ...given,
    });

  const sparse = Buffer.alloc(300_000);
  sparse.fill('data', 100_000, 110_000);
  sparse.fill('more', 200_000, 200_100);
  const linked: NewFile = { content: Buffer.from('two names, one file\n') };
  const data = [
    fileOf('empty', { content: Buffer.alloc(0) }),
    fileOf(
      'hello.txt',
      { content: Buffer.from('hello, vault\n') },
      { uid: 1000, gid: 1000, mtimeSeconds: 1_794_999_999, mtimeNanos: 123_456_789 },
    ),
    fileOf('noise.bin', { content: random.bytes(60_000) }, { mode: 0o4755 }),
    fileOf('text.txt', { content: Buffer.alloc(150_000, 'the same line again and again\n') }),
    fileOf('sparse', {
      content: sparse,
      runs: [
        [100_000, 110_000],
        [200_000, 200_100],
      ],
    }),
    fileOf('holes-only', { content: Buffer.alloc(70_000), runs: [] }),
    fileOf('old', { content: Buffer.from('from before 1970') }, { mtimeSeconds: -5, mtimeNanos: 1 }),
    fileOf(Buffer.from([0x6e, 0xff, 0xfe, 0x6e]), { content: Buffer.from('a name that is not UTF-8') }),
    fileOf('first-link', linked, { hardLinkGroup: Buffer.from('srv/data/first-link') }),
    fileOf('second-link', linked, { hardLinkGroup: Buffer.from('srv/data/first-link') }),
    fileOf(
      'attributes',
      { content: Buffer.from('x') },
      {
        xattrs: [
          { name: Buffer.from('user.a'), value: Buffer.from('1') },
          { name: Buffer.from('user.b'), value: Buffer.alloc(0) },
        ],
      },
    ),
    fileOf(
      'moving',
      { content: Buffer.from('changed while it was read') },
      { defect: EntryDefect.ENTRY_DEFECT_CHANGED_WHILE_READ },
    ),
    treeEntry({
      name: Buffer.from('secret'),
      type: EntryType.ENTRY_TYPE_FILE,
      size: 12,
      defect: EntryDefect.ENTRY_DEFECT_UNREADABLE,
    }),
    treeEntry({
      name: Buffer.from('link'),
      type: EntryType.ENTRY_TYPE_SYMLINK,
      mode: 0o777,
      linkTarget: Buffer.from('../data/hello.txt'),
    }),
    treeEntry({ name: Buffer.from('pipe'), type: EntryType.ENTRY_TYPE_FIFO, mode: 0o600 }),
    treeEntry({ name: Buffer.from('socket'), type: EntryType.ENTRY_TYPE_SOCKET, mode: 0o600 }),
    treeEntry({
      name: Buffer.from('null'),
      type: EntryType.ENTRY_TYPE_CHARACTER_DEVICE,
      deviceMajor: 1,
      deviceMinor: 3,
    }),
    treeEntry({ name: Buffer.from('loop0'), type: EntryType.ENTRY_TYPE_BLOCK_DEVICE, deviceMajor: 7 }),
    directoryOf('empty-directory', []),
    directoryOf(
      'many',
      Array.from({ length: 1500 }, (_, n) =>
        fileOf(`file-${n}`, { content: Buffer.from(n % 100 === 0 ? `content ${n}` : '') }),
      ),
    ),
  ];
  const srv = directoryOf('srv', [directoryOf('data', data)], { leadsToRoot: true });
  const root = storeDirectory([srv]);

  const footers: PackFooter[] = [];
  for (const { packId, builder, bytes, gatherer } of Object.values(packs)) {
    gatherer.flush();
    const tail = builder.finish();
    await put({ name: packName(packId), bytes: Buffer.concat([...bytes, tail.bytes]) });
    footers.push(tail.footer);
  }
  await put(encodePackIndex(vaultId, 1n, footers));
  await put(
    encodePoint(signer, {
      vaultId,
      pointId,
      itemId,
      sequence: 1n,
      previousSha256: Buffer.alloc(0),
      backupType: BackupType.BACKUP_TYPE_FULL,
      committedAtMs: BigInt(CREATED_AT_MS),
      requires: [],
      rootNode: root.id,
      domainId,
      consistency: Consistency.CONSISTENCY_CRASH,
      basePointId: Buffer.alloc(0),
      agentId,
      jobId,
      statistics: {
        entries: 1522n,
        files: 1513n,
        bytesTotal: 1n,
        bytesRead: 1n,
        bytesChanged: 1n,
        bytesSent: 1n,
        bytesStored: 1n,
        warnings: 2n,
      },
      workload: 'FILES',
    }),
  );
  return {
    masterKey: masterKey.toString('hex'),
    recoveryKit: formatRecoveryKit(kit),
    signingPublicKey: signer.publicKey.toString('hex'),
    vaultId: vaultId.toString('hex'),
    pointId: pointId.toString('hex'),
  };
}
