import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fleet } from '../kit/holdfast/fleet.js';
import { readJob, restoreTo, waitForJob } from '../kit/holdfast/jobs.js';
import { flipBit, packFiles } from '../kit/holdfast/store-files.js';
import { describeTree } from '../kit/tree/describe-tree.js';

let fleet: Fleet;
let source: string;
let item: string;
let point: string;
/** The largest pack of the backup, and where it is while it is away. */
let pack: string;
let elsewhere: string;
let restores = 0;

beforeAll(async () => {
  fleet = await Fleet.start();
  source = fleet.newFolder('source');
  for (let index = 0; index < 6; index += 1) fs.writeFileSync(path.join(source, `file-${index}`), randomBytes(2 << 20));
  const { id } = await fleet.createVault('vault');
  item = await fleet.protect({ name: 'item', vaultId: id, root: source });
  const backup = await fleet.backUp(item);
  expect(backup.state).toBe('COMPLETED');
  point = backup.recoveryPoint.id;
  const size = (file: string) => fs.statSync(file).size;
  [pack] = packFiles(fleet.server.storeRoot).sort((a, b) => size(b) - size(a)) as [string];
  elsewhere = path.join(fleet.newFolder('elsewhere'), 'pack');
});

afterAll(async () => {
  await fleet?.stop();
});

const restore = async () => {
  restores += 1;
  const target = path.join(fleet.folder, `restored-${restores}`);
  const job = await fleet.restore({ recoveryPointId: point, path: target, base: source });
  return { job, target };
};

/** Bytes that a full backup of the unchanged source sends. */
const sent = async () => {
  const { state, progress } = await fleet.backUp(item, 'FULL');
  expect(state).toBe('COMPLETED');
  return Number(progress.bytesSent);
};

/** Packs that the vault has lost data of. */
const lostPacks = async (): Promise<number | null> => {
  const { vaults } = await fleet.api.ask('{ vaults { edges { node { service { lostPacks } } } } }');
  return vaults.edges[0].node.service.lostPacks;
};

const logged = (event: string) => fleet.server.process.output.split('\n').filter((line) => line.includes(`"${event}"`));

describe('a pack that is away and comes back', () => {
  it('is missed by a restore, and counts again once another restore met it, without a restart', async () => {
    fs.renameSync(pack, elsewhere);
    expect((await restore()).job).toMatchObject({ state: 'FAILED', error: { code: 'DATA_CORRUPTED' } });
    await expect.poll(() => logged('vault.packs_missing').length).toBe(1);
    expect(logged('vault.packs_sound_again')).toEqual([]);
    fs.renameSync(elsewhere, pack);

    const { job, target } = await restore();
    expect(job.state).toBe('COMPLETED');
    expect(describeTree(target)).toEqual(describeTree(source));
    await expect.poll(() => logged('vault.packs_sound_again').length).toBe(1);
    expect(await sent()).toBeLessThan(1 << 20);
  });

  it('is missed at a start, and counts again after the next one, with it in its place', async () => {
    await fleet.server.stop();
    fs.renameSync(pack, elsewhere);
    await fleet.server.start();
    await expect.poll(() => logged('vault.packs_missing').length).toBe(1);
    await expect.poll(() => logged('vault.packs_suspect').length).toBe(1);
    fs.renameSync(elsewhere, pack);
    process.kill(fleet.server.childPid('gateway'), 'SIGKILL');
    await expect.poll(() => logged('vault.packs_sound_again').length).toBe(1);
    await fleet.agent().waitUntilOnline(fleet.api);
    expect(await sent()).toBeLessThan(1 << 20);
    expect((await restore()).job.state).toBe('COMPLETED');
  });

  it('goes on being told of as far as it has come back damaged, until a backup has healed what needs it', async () => {
    await fleet.server.stop();
    fs.renameSync(pack, elsewhere);
    await fleet.server.start();
    await expect.poll(() => logged('vault.packs_missing').length).toBe(1);
    await fleet.server.stop();
    flipBit(elsewhere, 60);
    fs.renameSync(elsewhere, pack);
    await fleet.server.start();
    await expect.poll(() => logged('vault.packs_suspect').length).toBe(1);
    expect(JSON.parse(logged('vault.packs_suspect')[0] as string)).toMatchObject({ damaged: 1, missing: 0 });
    await fleet.agent().waitUntilOnline(fleet.api);
    expect((await restore()).job).toMatchObject({ state: 'FAILED', error: { code: 'DATA_CORRUPTED' } });

    await expect.poll(lostPacks, { timeout: 60_000 }).toBe(1);

    // One frame of several.
    const healed = await sent();
    expect(healed).toBeGreaterThan(0);
    expect(healed).toBeLessThan(9 << 20);
    const { job, target } = await restore();
    expect(job.state).toBe('COMPLETED');
    expect(describeTree(target)).toEqual(describeTree(source));
    expect(logged('vault.packs_sound_again')).toEqual([]);
    await expect.poll(lostPacks, { timeout: 60_000 }).toBe(0);
  });
});

describe('a store whose disk is not mounted while a restore reads', () => {
  it('is waited for, and nothing in it counts as damaged', async () => {
    const [store] = pack.split(`${path.sep}pack${path.sep}`) as [string];
    fs.renameSync(store, `${store}-away`);
    fs.mkdirSync(store);
    const target = path.join(fleet.folder, 'restored-later');
    const jobId = await restoreTo(fleet.api, { recoveryPointId: point, path: target, base: source });
    await expect
      .poll(async () => {
        const { state, waitingFor } = await readJob(fleet.api, jobId);
        return state === 'RUNNING' && waitingFor;
      })
      .toMatch(/is its disk mounted/i);
    fs.rmdirSync(store);
    fs.renameSync(`${store}-away`, store);
    expect((await waitForJob(fleet.api, jobId, { timeoutMs: 60_000 })).state).toBe('COMPLETED');
    expect(describeTree(target)).toEqual(describeTree(source));
    expect(await sent()).toBeLessThan(1 << 20);
  });
});
