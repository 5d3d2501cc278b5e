/** Opens a vault with nothing but its store and one key, and restores a point into memory. */
import {
  ChunkHasher,
  type ContentRef,
  type Domain,
  deriveFrameKey,
  EntryDefect,
  EntryType,
  type FrameEntry,
  idAt,
  KeyDeriver,
  type ObjectStore,
  type OpenedChunk,
  openChunks,
  openDomain,
  openPackIndex,
  openPoint,
  openSessionKey,
  type PackFooter,
  type ParsedNode,
  parseNode,
  pointName,
  type RecoveryPoint,
  readDirectory,
  readExtents,
  readFrame,
  readLatestDescriptor,
  type SlotKind,
  sha256,
  type TreeEntry,
  unwrapVaultKey,
  type WrappedSessionKey,
} from '@holdfast/core/engine';

export interface RestoredEntry {
  /** Below the root; a byte that is not printable ASCII as \xHH. */
  path: string;
  type: string;
  /** Numbers are left out where all are zero. */
  mode?: number;
  owner?: [uid: number, gid: number];
  mtime?: [seconds: number, nanos: number];
  size?: number;
  /** Of the whole content, holes read as zeros. */
  sha256?: string;
  /** Offset and length of the data, where there are holes. */
  data?: [offset: number, length: number][];
  linkTarget?: string;
  device?: [major: number, minor: number];
  xattrs?: Record<string, string>;
  hardLinkGroup?: string;
  leadsToRoot?: true;
  defect?: string;
}

interface Copy {
  readonly footer: PackFooter;
  readonly entry: FrameEntry;
}

export class GoldenReader {
  private readonly copies = new Map<string, Copy>();
  private readonly chunks = new Map<string, OpenedChunk>();
  private readonly sessions = new Map<string, KeyDeriver>();

  private constructor(
    private readonly store: ObjectStore,
    readonly vaultId: Buffer,
    private readonly signingKey: Buffer,
    private readonly domain: Domain,
    private readonly secret: { privateKey: Buffer; idKey: Buffer },
  ) {}

  /** @param trusted public signing key, known from elsewhere */
  static async open(store: ObjectStore, trusted: Buffer, kind: SlotKind, key: Buffer): Promise<GoldenReader> {
    const descriptor = await readLatestDescriptor(store, trusted);
    const slot = descriptor.slots.find((each) => each.kind === kind);
    if (!slot || !descriptor.vaultDomain) throw new Error('the golden vault has both slots and a domain');
    const vaultKey = unwrapVaultKey(descriptor.vaultId, slot, key);
    const secret = openDomain(vaultKey, descriptor.vaultId, descriptor.vaultDomain);
    const reader = new GoldenReader(store, descriptor.vaultId, trusted, descriptor.vaultDomain, secret);
    for await (const { name } of store.list('index/')) {
      for (const footer of openPackIndex({ name, bytes: await store.get(name) }).footers) reader.learn(footer);
    }
    return reader;
  }

  async point(id: Buffer): Promise<RecoveryPoint> {
    const name = pointName(id);
    return openPoint(this.signingKey, { name, bytes: await this.store.get(name) });
  }

  /** Everything below a directory, depth first, names ascending. */
  async restore(rootNode: Buffer): Promise<RestoredEntry[]> {
    const restored: RestoredEntry[] = [];
    const walk = async (id: Buffer, path: string): Promise<void> => {
      for (const entry of (await Array.fromAsync(readDirectory(id, this.fetchNode))).flat()) {
        const here = path + printable(entry.name);
        restored.push(await this.restoreEntry(entry, here));
        if (entry.type === EntryType.ENTRY_TYPE_DIRECTORY && entry.content) await walk(entry.content.id, `${here}/`);
      }
    };
    await walk(rootNode, '');
    return restored;
  }

  private learn(footer: PackFooter): void {
    for (const entry of footer.frames) {
      for (let at = 0; at < entry.chunkLengths.length; at++) {
        this.copies.set(idAt(entry.chunkIds, at).toString('hex'), { footer, entry });
      }
    }
  }

  private readonly fetchNode = async (id: Buffer): Promise<ParsedNode> => {
    const { plaintext, edges } = await this.chunk(id);
    return parseNode(plaintext, edges);
  };

  private async chunk(id: Buffer): Promise<OpenedChunk> {
    const key = id.toString('hex');
    if (!this.chunks.has(key)) await this.openFrameOf(key);
    const chunk = this.chunks.get(key);
    if (!chunk) throw new Error(`the golden vault has no chunk ${key}`);
    return chunk;
  }

  private async openFrameOf(key: string): Promise<void> {
    const copy = this.copies.get(key);
    if (!copy) return;
    const { footer, entry } = copy;
    const context = { vaultId: this.vaultId, domainId: this.domain.domainId, kind: footer.kind };
    const stored = await readFrame(this.store, footer.packId, entry);
    const frameKey = deriveFrameKey(await this.session(footer), entry);
    for (const chunk of openChunks(new ChunkHasher(this.secret.idKey), frameKey, context, entry, stored)) {
      this.chunks.set(chunk.id.toString('hex'), chunk);
    }
  }

  private async session(footer: PackFooter): Promise<KeyDeriver> {
    const known = this.sessions.get(footer.packId.toString('hex'));
    if (known) return known;
    const place = { vaultId: this.vaultId, domainId: this.domain.domainId };
    const wrapped = footer.sessionKey as WrappedSessionKey;
    const opened = new KeyDeriver(await openSessionKey(this.secret.privateKey, place, wrapped));
    this.sessions.set(footer.packId.toString('hex'), opened);
    return opened;
  }

  private async restoreEntry(entry: TreeEntry, path: string): Promise<RestoredEntry> {
    const restored: RestoredEntry = { path, type: EntryType[entry.type].replace('ENTRY_TYPE_', '') };
    if (entry.mode > 0) restored.mode = entry.mode;
    if (entry.uid + entry.gid > 0) restored.owner = [entry.uid, entry.gid];
    if (entry.mtimeSeconds !== 0 || entry.mtimeNanos !== 0) restored.mtime = [entry.mtimeSeconds, entry.mtimeNanos];
    if (entry.size > 0) restored.size = entry.size;
    if (entry.size > 0) Object.assign(restored, await this.restoreContent(entry.content, entry.size));
    if (entry.linkTarget.length > 0) restored.linkTarget = printable(entry.linkTarget);
    if (entry.deviceMajor + entry.deviceMinor > 0) restored.device = [entry.deviceMajor, entry.deviceMinor];
    if (entry.xattrs.length > 0) {
      restored.xattrs = Object.fromEntries(entry.xattrs.map(({ name, value }) => [printable(name), printable(value)]));
    }
    if (entry.hardLinkGroup.length > 0) restored.hardLinkGroup = printable(entry.hardLinkGroup);
    if (entry.leadsToRoot) restored.leadsToRoot = true;
    if (entry.defect) restored.defect = EntryDefect[entry.defect].replace('ENTRY_DEFECT_', '');
    return restored;
  }

  private async restoreContent(
    content: ContentRef | undefined,
    size: number,
  ): Promise<Pick<RestoredEntry, 'sha256' | 'data'>> {
    const bytes = Buffer.alloc(size);
    const data: [number, number][] = [];
    for await (const { id, offset, length } of readExtents(content, size, this.fetchNode)) {
      const { plaintext } = await this.chunk(id);
      if (plaintext.length !== length) throw new Error(`${offset}: a chunk has another length than its extent`);
      bytes.set(plaintext, offset);
      const before = data.at(-1);
      if (before && before[0] + before[1] === offset) before[1] += length;
      else data.push([offset, length]);
    }
    const whole = data.reduce((sum, [, length]) => sum + length, 0) === size;
    return { sha256: sha256(bytes).toString('hex'), ...(!whole && { data }) };
  }
}

function printable(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replace(/[^\x20-\x7e]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
