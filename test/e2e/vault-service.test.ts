import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Data } from '../kit/holdfast/api.js';
import { type ProgramResult, runProgram } from '../kit/holdfast/background-process.js';
import { Fleet } from '../kit/holdfast/fleet.js';
import { backUp, readJob, waitForJob } from '../kit/holdfast/jobs.js';

describe('a vault that the gateway cannot serve', () => {
  let fleet: Fleet;

  const services = async (): Promise<
    Record<string, { state: string; reason: string | null; message: string | null }>
  > => {
    const { vaults } = await fleet.api.ask('{ vaults { edges { node { name service { state reason message } } } } }');
    return Object.fromEntries(
      vaults.edges.map(({ node }: { node: { name: string; service: object } }) => [node.name, node.service]),
    );
  };
  const readiness = async (): Promise<unknown> => {
    const answer = await fetch(`${fleet.server.addresses.http}/readyz`);
    return { status: answer.status, ...((await answer.json()) as object) };
  };
  const vaultList = (...args: string[]): Promise<ProgramResult> =>
    runProgram('holdfast', ['vault', 'list', ...args], {
      HOLDFAST_SERVER: fleet.server.addresses.http,
      HOLDFAST_TOKEN: token,
    });
  /** The folder in which this vault's packs lie. */
  const storeOf = (before: readonly string[]): string => {
    const added = fs.readdirSync(fleet.server.storeRoot).find((name) => !before.includes(name));
    return path.join(fleet.server.storeRoot, added ?? '');
  };

  let token: string;
  let lostVault: string;
  let movedStore: string;
  let movedItem: string;

  beforeAll(async () => {
    fleet = await Fleet.start();
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    ({ token } = await fleet.api.mutate('createApiToken', { name: 'list', role: 'BACKUP_READER', expiresAt }, 'token'));
    const source = fleet.newFolder('source');
    fs.writeFileSync(path.join(source, 'file'), 'content');
    for (const name of ['lost', 'moved', 'whole']) {
      const before = fs.readdirSync(fleet.server.storeRoot);
      const { id } = await fleet.createVault(name);
      const itemId = await fleet.protect({ name, vaultId: id, root: source });
      const backup = await fleet.backUp(itemId);
      expect(backup.state).toBe('COMPLETED');
      if (name === 'lost') lostVault = path.basename(storeOf(before));
      if (name !== 'moved') continue;
      movedStore = storeOf(before);
      movedItem = itemId;
    }
  });

  afterAll(async () => {
    await fleet?.stop();
  });

  it('is in service before', async () => {
    const good = { state: 'IN_SERVICE', reason: null, message: null };
    expect(await services()).toEqual({ lost: good, moved: good, whole: good });
    expect(await readiness()).toEqual({ status: 200, ready: true, missing: [], degraded: [] });
    expect((await vaultList()).stdout).toMatch(/^whole .* IN_SERVICE$/m);
  });

  it('says how much space its store has, to whoever sees it, in GraphQL and on the command line', async () => {
    const { frsize, blocks, bavail } = fs.statfsSync(fleet.server.storeRoot);
    const listed = JSON.parse((await vaultList('--json')).stdout) as Data[];
    for (const { service } of listed) {
      expect(Number(service.space.totalBytes)).toBe(blocks * frsize);
      // Others write there, too.
      expect(Math.abs(Number(service.space.freeBytes) - bavail * frsize)).toBeLessThan(blocks * frsize * 0.2);
    }
    expect((await vaultList()).stdout).toMatch(/^whole .* [\d.]+ [KMGTP]iB of [\d.]+ [KMGTP]iB .* IN_SERVICE$/m);
    fs.renameSync(movedStore, `${movedStore}-away`);
    const gone = JSON.parse((await vaultList('--json')).stdout) as Data[];
    fs.renameSync(`${movedStore}-away`, movedStore);
    expect(gone.map(({ name, service }) => [name, service.space === null]).sort()).toEqual([
      ['lost', false],
      ['moved', true],
      ['whole', false],
    ]);
  });

  it('is told as soon as its store is gone, and as soon as it is back', async () => {
    fs.renameSync(movedStore, `${movedStore}-away`);
    expect((await services())['moved']).toMatchObject({ state: 'OUT_OF_SERVICE', reason: 'STORE_MISSING' });
    fs.mkdirSync(movedStore);
    expect((await services())['moved']).toMatchObject({ state: 'OUT_OF_SERVICE', reason: 'STORE_EMPTY' });
    fs.rmdirSync(movedStore);
    fs.renameSync(`${movedStore}-away`, movedStore);
    expect((await services())['moved']).toMatchObject({ state: 'IN_SERVICE' });
  });

  it('is what a job says that it waits for, and the job goes on once it is back', async () => {
    fs.renameSync(movedStore, `${movedStore}-away`);
    const jobId = await backUp(fleet.api, movedItem, 'FULL');
    await expect
      .poll(async () => {
        const { state, waitingFor } = await readJob(fleet.api, jobId);
        return state === 'RUNNING' && waitingFor;
      })
      .toMatch(/store is not there/i);
    fs.renameSync(`${movedStore}-away`, movedStore);
    expect(await waitForJob(fleet.api, jobId, { timeoutMs: 60_000 })).toMatchObject({
      state: 'COMPLETED',
      waitingFor: null,
    });
  });

  it('is told with its reason after a start without its index or its store, and the others are served', async () => {
    await fleet.server.stop();
    fs.renameSync(movedStore, `${movedStore}-away`);
    const indexes = path.join(fleet.server.dataFolder, 'gateway');
    const kept = fleet.newFolder('kept');
    for (const file of fs.readdirSync(indexes).filter((name) => name.startsWith(lostVault)))
      fs.renameSync(path.join(indexes, file), path.join(kept, file));
    expect(fs.readdirSync(kept)).not.toEqual([]);
    await fleet.server.start();

    await expect.poll(async () => (await services())['lost']?.state, { timeout: 60_000 }).toBe('OUT_OF_SERVICE');
    await expect.poll(async () => (await services())['moved']?.state, { timeout: 60_000 }).toBe('OUT_OF_SERVICE');
    await expect.poll(async () => (await services())['whole']?.state, { timeout: 60_000 }).toBe('IN_SERVICE');
    expect(await services()).toMatchObject({ lost: { reason: 'INDEX_LOST' }, moved: { reason: 'STORE_MISSING' } });
    expect(await readiness()).toEqual({ status: 200, ready: true, missing: [], degraded: ['vaults'] });

    const { code, stdout } = await vaultList();
    expect(code).toBe(0);
    expect(stdout).toMatch(/^lost .* OUT_OF_SERVICE$/m);
    expect(stdout).toContain(
      'lost is out of service (INDEX_LOST): The vault holds packs, but its chunk index is missing.',
    );
    const listed = JSON.parse((await vaultList('--json')).stdout) as { name: string; service: { reason: string } }[];
    expect(listed.find(({ name }) => name === 'moved')?.service.reason).toBe('STORE_MISSING');

    fs.renameSync(`${movedStore}-away`, movedStore);
    await expect.poll(async () => (await services())['moved']?.state, { timeout: 60_000 }).toBe('IN_SERVICE');
  });

  it('tells of a point that is newer than an index which was put back, and restores older ones', async () => {
    const source = fleet.newFolder('growing');
    fs.writeFileSync(path.join(source, 'first'), 'first');
    const { id } = await fleet.createVault('growing');
    const item = await fleet.protect({ name: 'growing', vaultId: id, root: source });
    const older = await fleet.backUp(item);
    const indexes = path.join(fleet.server.dataFolder, 'gateway');
    const copy = path.join(fleet.folder, 'copy');

    await fleet.server.stop();
    fs.cpSync(indexes, copy, { recursive: true });
    await fleet.server.start();
    fs.writeFileSync(path.join(source, 'second'), 'second');
    const newer = await fleet.backUp(item);
    await fleet.server.stop();
    fs.rmSync(indexes, { recursive: true });
    fs.renameSync(copy, indexes);
    await fleet.server.start();

    const restore = (job: Data, name: string): Promise<Data> =>
      fleet.restore({ recoveryPointId: job.recoveryPoint.id, path: path.join(fleet.folder, name), base: source });
    const refused = await restore(newer, 'newer');
    expect(refused).toMatchObject({ state: 'FAILED', error: { code: 'FAILED_PRECONDITION' } });
    expect(refused.error.message).toContain('older than the point');
    expect(await restore(older, 'older')).toMatchObject({ state: 'COMPLETED' });
    expect(fs.readdirSync(path.join(fleet.folder, 'older'))).toEqual(['first']);
  });
});
