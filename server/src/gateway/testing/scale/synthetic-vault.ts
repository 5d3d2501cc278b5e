import { hash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Codec,
  idOfClaim,
  type LocalStore,
  openLocalStore,
  type PackFooter,
  PackKind,
  packName,
  pointName,
  sortedIdSet,
} from '@holdfast/core/engine';
import { type Random, seededRandom, systemRandom, uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import type { ChunkIndex, Pack } from '../../chunk-index/chunk-index.js';
import { CLOSED, CONTENT_GOOD, VERIFIED } from '../../chunk-index/copy-state.js';
import { PageBudget } from '../../chunk-index/page-budget.js';
import { openSqliteChunkIndex } from '../../chunk-index/sqlite-chunk-index.js';
import { TestControl } from '../control.fixture.js';
import { testDomain, Uploader } from '../uploader.fixture.js';

const CHUNKS_PER_PACK = 1_024;
const CHUNKS_PER_FRAME = 128;
const EDGES_PER_NODE = 1_024;

/** A vault's surroundings: the same for the same folder and size, whenever they are made. */
export interface SyntheticVault {
  readonly folder: string;
  readonly vaultId: string;
  readonly store: LocalStore;
  readonly control: TestControl;
  readonly uploader: Uploader;
  readonly random: Random;
  openIndex(): ChunkIndex;
}

export async function syntheticVault(folder: string): Promise<SyntheticVault> {
  // Who and where are the same each time; what is made later is new each time.
  const seeded = seededRandom('synthetic vault');
  let source: Random = seeded;
  const random: Random = { bytes: (length) => source.bytes(length) };
  const vaultId = uuidFromBytes(random.bytes(16));
  mkdirSync(folder, { recursive: true });
  const store = await openLocalStore({ root: join(folder, 'store'), owner: 'gateway', random, create: true });
  const domain = await testDomain(vaultId, random);
  const control = new TestControl({ vaultId, storeUrl: `local:${folder}/store` }, domain, store, random);
  const uploader = await Uploader.create(domain, random);
  source = systemRandom;
  const pages = new PageBudget(64 * 1024 * 1024);
  const openIndex = (): ChunkIndex => openSqliteChunkIndex(join(folder, 'index.sqlite'), vaultId, { pages });
  return { folder, vaultId, store, control, uploader, random, openIndex };
}

/** What an agent asks with for the n-th chunk of a synthetic vault. */
export function claimOf(chunk: number): Buffer {
  const claim = Buffer.alloc(32, 0xa5);
  claim.writeUIntLE(chunk, 0, 6);
  return claim;
}

/**
 * Fills the index, through its own port, as so many backups of new chunks would: data packs of verified
 * chunks, nodes above them, a point each, and a file without content for each pack.
 */
export async function fillVault(vault: SyntheticVault, size: { chunks: number; points: number }): Promise<void> {
  const index = vault.openIndex();
  for (let point = 0, chunk = 0; point < size.points; point++) {
    const last = Math.floor((size.chunks / size.points) * (point + 1));
    await backUp(vault, index, chunk, last);
    chunk = last;
  }
  index.close();
  writeFileSync(join(vault.folder, 'filled'), '');
}

async function backUp(vault: SyntheticVault, index: ChunkIndex, first: number, last: number): Promise<void> {
  const { control, uploader, store } = vault;
  const job = control.addJob(uploader.agentId, 'backup');
  const session = index.recordSession({
    id: uuidFromBytes(vault.random.bytes(16)),
    agentId: uploader.agentId,
    jobId: job.jobId,
    epoch: 1,
    kind: 'backup',
    itemId: vault.vaultId,
    domainId: uploader.domain.id,
    openedAtMs: 1,
  });
  const data = Array.from({ length: last - first }, (_, chunk) => idOfClaim(claimOf(first + chunk)));
  const dataPacks = slices(data, CHUNKS_PER_PACK).map((ids) => storePack(vault, index, session, ids, []));
  const edges = slices(data, EDGES_PER_NODE).map((ids) => sortedIdSet(ids));
  const nodes = edges.map(nodeId);
  const root = nodeId(sortedIdSet(nodes));
  const nodePack = storePack(vault, index, session, [...nodes, root], [...edges, sortedIdSet(nodes)]);

  index.changeState(dataPacks.flatMap(copiesOf), { set: CONTENT_GOOD | VERIFIED });
  index.changeState(copiesOf(nodePack), { set: CLOSED | CONTENT_GOOD | VERIFIED });
  const packs = [...dataPacks, nodePack].map(({ number }) => number);
  index.markIndexed(packs, index.nextIndexNumber());
  for (const pack of packs) index.markChecked(pack);
  const request = { agentId: uploader.agentId, job, root, type: 'FULL' as const, basePointId: Buffer.alloc(0) };
  const { pointId, signed } = await control.preparePoint({ ...request, counters: undefined });
  index.savePoint({ id: pointId, jobId: job.jobId, root, signed });
  await store.put(pointName(uuidToBytes(pointId)), signed);
  index.setPointState(pointId, 'recorded');
  index.setSessionState(session, 'committed');
}

function storePack(
  vault: SyntheticVault,
  index: ChunkIndex,
  session: number,
  ids: readonly Buffer[],
  edges: readonly Buffer[],
): Pack {
  const { uploader, random } = vault;
  const id = uuidFromBytes(random.bytes(16));
  const kind = edges.length > 0 ? PackKind.PACK_KIND_NODE : PackKind.PACK_KIND_DATA;
  const identity = { domainId: uploader.domain.id, uploaderId: uploader.agentId };
  const number = index.recordArrivingPack({ id, kind, session, ...identity });
  const shard = join(vault.folder, 'store', 'pack', packName(uuidToBytes(id)).slice('pack/'.length).slice(0, 2));
  mkdirSync(shard, { recursive: true });
  writeFileSync(join(shard, packName(uuidToBytes(id)).slice('pack/'.length)), '');
  const footer = footerOf(vault, id, kind, ids, edges);
  const ownChecks = footer.frames.map(() => random.bytes(16));
  return index.recordStoredPack(number, { footer, ownChecks }, 16 * 1024 * 1024);
}

function footerOf(
  { vaultId, uploader, random }: SyntheticVault,
  packId: string,
  kind: PackKind,
  ids: readonly Buffer[],
  edges: readonly Buffer[],
): PackFooter {
  return {
    vaultId: uuidToBytes(vaultId),
    packId: uuidToBytes(packId),
    kind,
    domainId: uuidToBytes(uploader.domain.id),
    sessionKey: { kemId: 32, encapsulated: random.bytes(32), ciphertext: random.bytes(48) },
    frames: slices(ids, CHUNKS_PER_FRAME).map((part, frame) => ({
      offset: BigInt(16 + frame * 1_000_000),
      storedLength: 1_000_000,
      codec: Codec.CODEC_RAW,
      plainLength: part.length * 8_192,
      storedCheck: random.bytes(16),
      chunkIds: Buffer.concat(part),
      chunkLengths: part.map(() => 8_192),
      edges: edges.slice(frame * CHUNKS_PER_FRAME, frame * CHUNKS_PER_FRAME + part.length),
    })),
    uploaderId: uuidToBytes(uploader.agentId),
  };
}

function nodeId(edges: Buffer): Buffer {
  return hash('sha256', edges, 'buffer');
}

function copiesOf({ firstCopy, copies }: Pack): number[] {
  return Array.from({ length: copies }, (_, place) => firstCopy + place);
}

function slices<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, part) => all.slice(part * size, (part + 1) * size));
}
