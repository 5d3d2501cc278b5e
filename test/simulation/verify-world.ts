import { existsSync, rmSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { packName, parseObjectName } from '@holdfast/core/engine';
import { asHoldfastError, type HoldfastError } from '@holdfast/core/errors';
import { uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import { JobRun } from '../../agent/src/jobs/job-run.js';
import { RestoreJournals } from '../../agent/src/jobs/restore/restore-journals.js';
import { runRestore } from '../../agent/src/jobs/restore/run-restore.js';
import { describeFolder } from '../../agent/src/jobs/testing/backup-bench.js';
import { FolderSet } from '../../agent/src/workloads/files/folder-set.js';
import type { OpenVault } from '../../server/src/gateway/vault-stores/open-vault.js';
import type { World } from './world.js';

const SETTLE_MS = 1_000;

export type Description = ReturnType<typeof describeFolder>;

/** What must hold in the end, whatever died on the way. `trees` are those that the jobs backed up, by job. Returns what does not, in words. */
export async function whatIsWrong(world: World, trees: ReadonlyMap<string, Description>): Promise<string[]> {
  // A gateway that starts settles what the one before left behind.
  world.kill(['gateway'], false);
  await world.untilAllStand();
  const [vault] = world.gateway?.core.vaults.all() ?? [];
  if (vault === undefined) throw new Error('the vault is not open');
  const wrong = [
    ...world.witness.violations,
    ...world.witness.readInVain((jobId) => filesWithOneName(trees.get(jobId) ?? {})),
    ...(await whatIsUnknown(world, vault)),
  ];
  const recorded = world.catalog.recorded();
  for (const { jobId, pointId, failure } of world.catalog.queue) {
    if (failure !== undefined) wrong.push(`job ${jobId} failed: ${failure}`);
    else if (pointId === undefined || !recorded.includes(pointId))
      wrong.push(`the point of job ${jobId} is not recorded`);
  }
  return [...wrong, ...(await whatIsLost(world, recorded, trees))];
}

/** Between jobs: what half packs lie in the store, or are expected, uploads of open sessions stand for. Returns what does not. */
export async function whatIsLeftOver(world: World): Promise<string[]> {
  await world.untilAllStand();
  // What ended with the job's session is on its way out.
  await world.clock.sleep(SETTLE_MS);
  const sessions = world.gateway?.core.sessions.all() ?? [];
  const sent = new Set(sessions.flatMap(({ uploads }) => [...uploads.keys()]));
  const expected = world.index().packIds('arriving');
  const halves = world.disk.paths().filter(isTemporary);
  const wrong = expected.filter((id) => !sent.has(id)).map((id) => `pack ${id} is expected, and nobody sends it`);
  if (halves.length > sent.size) wrong.push(`${halves.length} half files are there, of ${sent.size} uploads`);
  return wrong;
}

function filesWithOneName(tree: Description): Set<string> {
  const names = Object.keys(tree).map((path) => basename(path));
  return new Set(names.filter((name) => !name.endsWith('-again') && !names.includes(`${name}-again`)));
}

/** Each of these points is restored as it was; where packs are broken that it may need, without what is named as damaged. */
export async function whatIsLost(
  world: World,
  points: readonly string[],
  trees: ReadonlyMap<string, Description>,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const pointId of points) {
    const { jobId } = world.catalog.factsOf(pointId);
    const restored = await restore(world, pointId).catch((error: unknown) => String(error));
    const found =
      typeof restored === 'string' ? restored : comparedWith(trees.get(jobId) ?? {}, restored, mayLack(world, jobId));
    if (found !== undefined) wrong.push(`point ${pointId} is not restored as it was: ${found}`);
  }
  return wrong;
}

/** Packs are broken that its job may have relied on: those of which the gateway did not know when it began. */
function mayLack({ lostPacks, knownLosses }: World, jobId: string): boolean {
  return [...lostPacks.broken.values()].some((loss) => knownLosses.get(jobId)?.has(loss) !== true);
}

/** What is wrong with what was restored, if anything is. */
function comparedWith(
  tree: Description,
  { entries, damaged, failure }: Restored,
  mayBeDamaged: boolean,
): string | undefined {
  if (failure !== undefined && (!mayBeDamaged || failure.code !== 'STORED_DATA_DAMAGED'))
    return `${failure.code}: ${failure.message}`;
  const isNamed = (path: string): boolean => damaged.some((each) => path === each || isBelow(path, each));
  if ((failure === undefined) !== (damaged.length === 0))
    return `it ended with ${failure?.code}, and named ${damaged.length}`;
  for (const path of Object.keys(entries)) if (!(path in tree)) return `${path} was never there`;
  for (const [path, entry] of Object.entries(tree)) {
    const found = entries[path];
    if (found === undefined && !isNamed(path)) return `${path} is absent, and not named`;
    if (found !== undefined && found !== entry) return `${path} is otherwise than it was`;
  }
  return undefined;
}

function isBelow(path: string, folder: string): boolean {
  return folder === '.' || path.startsWith(`${folder}/`);
}

/**
 * Whatever lies in the store has a row in the index, from which garbage collection learns of it: packs that are stored or leaked,
 * footers under numbers that were given, points that are recorded. And every row has its object.
 */
async function whatIsUnknown({ disk, lostPacks }: World, { store, index }: OpenVault): Promise<string[]> {
  const wrong = disk
    .paths()
    .filter(isTemporary)
    .map((path) => `${path} is left over`);
  for await (const { name, size } of store.list('')) {
    const parsed = parseObjectName(name);
    if (parsed?.folder === 'pack') {
      const pack = index.findPack(uuidFromBytes(parsed.id));
      if (pack === undefined || pack.state === 'arriving') wrong.push(`${name} is known to nobody`);
      else if (pack.state === 'stored' && pack.storedBytes !== size && !lostPacks.broken.has(pack.id))
        wrong.push(`${name} has not the length that it should`);
    } else if (parsed?.folder === 'index') {
      if (Number(parsed.number) >= index.nextIndexNumber()) wrong.push(`${name} is known to nobody`);
    } else if (parsed?.folder === 'point') {
      if (index.pointById(uuidFromBytes(parsed.id))?.state !== 'recorded') wrong.push(`${name} is not recorded`);
    } else if (parsed?.folder !== 'descriptor') wrong.push(`${name} is no object of a vault`);
  }
  for (const id of index.packIds('stored'))
    if (!lostPacks.broken.has(id) && (await store.stat(packName(uuidToBytes(id)))) === undefined)
      wrong.push(`the file of pack ${id} is gone`);
  if (index.packIds('arriving').length > 0) wrong.push('packs that nobody sends are still expected');
  return wrong;
}

/** Files that have no name yet. */
function isTemporary(path: string): boolean {
  return basename(path).startsWith('.');
}

interface Restored {
  readonly entries: Description;
  /** What was named as damaged, below the source's folder. */
  readonly damaged: readonly string[];
  readonly failure: HoldfastError | undefined;
}

async function restore(world: World, pointId: string): Promise<Restored> {
  const { agent, catalog, domain, agentId } = world;
  if (agent === undefined) throw new Error('the agent does not stand');
  const root = catalog.rootOf(pointId);
  const { jobId } = catalog.addJob(agentId, 'restore', root);
  const job = { jobId, epoch: 1n };
  const target = join(world.folder, 'restored');
  const command = {
    kind: 'restore' as const,
    job,
    vaultId: uuidToBytes(domain.vaultId),
    pointId,
    rootNode: root,
    domainId: uuidToBytes(domain.id),
    idKey: domain.secret.idKey,
    transportKey: catalog.transportKey,
    select: [],
    targetPath: Buffer.from(target),
    base: Buffer.from(world.source.folder),
    onConflict: 'FAIL' as const,
    chunkMaxBytes: 8 * 1024 * 1024,
    pointEntries: catalog.factsOf(pointId).entries,
    expectedBytes: 0,
    expectedEntries: 0,
  };
  const run = new JobRun(job);
  try {
    const failure = await agent.life
      .live(() =>
        runRestore(command, run, {
          transport: agent.transport,
          restoreRoots: async () => undefined,
          ownFolders: () => new FolderSet([], []),
          journals: new RestoreJournals(`${target}-journals`),
        }),
      )
      .then(() => undefined, asHoldfastError);
    const notices = run.notices.all().first.filter(({ kind }) => kind === 'DAMAGED');
    const damaged = notices.map(({ path }) => relative(world.source.folder, path.toString()) || '.');
    return { entries: existsSync(target) ? describeFolder(target) : {}, damaged, failure };
  } finally {
    for (const folder of [target, `${target}-journals`]) rmSync(folder, { recursive: true, force: true });
  }
}
