import { rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { packName, parseObjectName } from '@holdfast/core/engine';
import { uuidFromBytes, uuidToBytes } from '@holdfast/core/ids';
import { JobRun } from '../../agent/src/jobs/job-run.js';
import { RestoreJournals } from '../../agent/src/jobs/restore/restore-journals.js';
import { runRestore } from '../../agent/src/jobs/restore/run-restore.js';
import { describeFolder } from '../../agent/src/jobs/testing/backup-bench.js';
import { FolderSet } from '../../agent/src/workloads/files/folder-set.js';
import type { OpenVault } from '../../server/src/gateway/vault-stores/open-vault.js';
import type { World } from './world.js';

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
    ...(await whatIsUnknown(vault)),
  ];
  const recorded = world.catalog.recorded();
  for (const { jobId, pointId, failure } of world.catalog.queue) {
    if (failure !== undefined) wrong.push(`job ${jobId} failed: ${failure}`);
    else if (pointId === undefined || !recorded.includes(pointId))
      wrong.push(`the point of job ${jobId} is not recorded`);
  }
  return [...wrong, ...(await whatIsLost(world, recorded, trees))];
}

function filesWithOneName(tree: Description): Set<string> {
  const names = Object.keys(tree).map((path) => basename(path));
  return new Set(names.filter((name) => !name.endsWith('-again') && !names.includes(`${name}-again`)));
}

/** Each of these points is restored as it was. */
export async function whatIsLost(
  world: World,
  points: readonly string[],
  trees: ReadonlyMap<string, Description>,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const pointId of points) {
    const tree = trees.get(world.catalog.factsOf(pointId).jobId);
    const restored = await restore(world, pointId).catch((error: unknown) => String(error));
    if (typeof restored === 'string') wrong.push(`point ${pointId} is not restored: ${restored}`);
    else if (JSON.stringify(restored) !== JSON.stringify(tree))
      wrong.push(`point ${pointId} is restored otherwise than it was`);
  }
  return wrong;
}

/**
 * Whatever lies in the store has a row in the index, from which garbage collection learns of it: packs that are stored or leaked,
 * footers under numbers that were given, points that are recorded. And every row has its object.
 */
async function whatIsUnknown({ store, index }: OpenVault): Promise<string[]> {
  const wrong: string[] = [];
  for await (const { name, size } of store.list('')) {
    const parsed = parseObjectName(name);
    if (parsed?.folder === 'pack') {
      const pack = index.findPack(uuidFromBytes(parsed.id));
      if (pack === undefined || pack.state === 'arriving') wrong.push(`${name} is known to nobody`);
      else if (pack.state === 'stored' && pack.storedBytes !== size)
        wrong.push(`${name} has not the length that it should`);
    } else if (parsed?.folder === 'index') {
      if (Number(parsed.number) >= index.nextIndexNumber()) wrong.push(`${name} is known to nobody`);
    } else if (parsed?.folder === 'point') {
      if (index.pointById(uuidFromBytes(parsed.id))?.state !== 'recorded') wrong.push(`${name} is not recorded`);
    } else wrong.push(`${name} is no object of a vault`);
  }
  for (const id of index.packIds('stored'))
    if ((await store.stat(packName(uuidToBytes(id)))) === undefined) wrong.push(`the file of pack ${id} is gone`);
  if (index.packIds('arriving').length > 0) wrong.push('packs that nobody sends are still expected');
  return wrong;
}

async function restore(world: World, pointId: string): Promise<Description> {
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
  try {
    await agent.life.live(() =>
      runRestore(command, new JobRun(job), {
        transport: agent.transport,
        restoreRoots: async () => undefined,
        ownFolders: () => new FolderSet([], []),
        journals: new RestoreJournals(`${target}-journals`),
      }),
    );
    return describeFolder(target);
  } finally {
    rmSync(target, { recursive: true, force: true });
  }
}
