import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiError } from '../kit/holdfast/api.js';
import { type ProgramResult, runProgram } from '../kit/holdfast/background-process.js';
import { Fleet } from '../kit/holdfast/fleet.js';
import { backUp, readJob, waitForJob } from '../kit/holdfast/jobs.js';
import { canMountDisks } from '../kit/small-disk.js';
import { buildPlainTree } from '../kit/tree/build-tree.js';
import { describeTree, type EntryDescription } from '../kit/tree/describe-tree.js';
import { diffTrees } from '../kit/tree/diff-trees.js';
import { native } from '../kit/tree/native.js';

const canMount = canMountDisks();
const PATIENCE = { timeoutMs: 90_000 };
const POLICY = { schedule: { frequency: 'DAILY', at: '02:00', timeZone: 'UTC' } };

let fleet: Fleet;
let source: string;
let vaultId: string;
let itemId: string;
let rounds = 0;
/** What was committed before anything went wrong. */
let first: { readonly pointId: string; readonly tree: Map<string, EntryDescription> };

beforeAll(async () => {
  if (!canMount) return;
  fleet = await Fleet.start({ disks: { server: 48, stores: 80, 'agent-1': 16, target: 32 } });
  source = fleet.newFolder('source');
  buildPlainTree(source, { files: 60, large: 0 });
  ({ id: vaultId } = await fleet.createVault('vault'));
  itemId = await fleet.protect({ name: 'item', vaultId, root: source });
  const tree = describeTree(source);
  const job = await fleet.backUp(itemId);
  first = { pointId: job.recoveryPoint.id, tree };
});

afterAll(async () => {
  await fleet?.stop();
});

function addSomethingNew(): void {
  rounds += 1;
  buildPlainTree(path.join(source, `round-${rounds}`), { files: 20, large: 1 });
}

/** Starts a backup of a few MiB that no vault has yet, and waits until its first attempt has failed for this reason. */
async function failsAtFirst(words: RegExp): Promise<string> {
  addSomethingNew();
  const jobId = await backUp(fleet.api, itemId, 'INCREMENTAL');
  const failed = { code: 'UNAVAILABLE', message: expect.stringMatching(words) as string };
  await expect
    .poll(async () => (await readJob(fleet.api, jobId)).previousAttemptError, { timeout: 60_000 })
    .toMatchObject(failed);
  return jobId;
}

/** The job, or a new one, succeeds by itself, and what it and the first one hold comes back. */
async function recovers(jobId?: string): Promise<void> {
  if (jobId === undefined) addSomethingNew();
  const job = await waitForJob(fleet.api, jobId ?? (await backUp(fleet.api, itemId, 'INCREMENTAL')), PATIENCE);
  expect(job).toMatchObject({ state: 'COMPLETED', error: null });
  await restoresAsItWas({ pointId: job.recoveryPoint.id, tree: describeTree(source) });
  await restoresAsItWas();
}

async function restoresAsItWas({ pointId, tree } = first): Promise<void> {
  const target = path.join(fleet.folder, 'restored');
  expect(await fleet.restore({ recoveryPointId: pointId, path: target, base: source })).toMatchObject({
    state: 'COMPLETED',
  });
  const privileged = process.getuid?.() === 0;
  expect(diffTrees(tree, describeTree(target), { privileged }).differences).toEqual([]);
  fs.rmSync(target, { recursive: true });
}

/** What the vault says of its store, and the server of itself. */
async function spaceIsLow(): Promise<[boolean, string[]]> {
  const { vault } = await fleet.api.ask('query Low($id: ID!) { vault(id: $id) { service { space { low } } } }', {
    id: vaultId,
  });
  const { degraded } = (await (await fetch(`${fleet.server.addresses.http}/readyz`)).json()) as { degraded: string[] };
  return [vault.service.space.low, degraded];
}

async function vaultList(): Promise<ProgramResult> {
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const name = `list ${randomUUID()}`;
  const { token } = await fleet.api.mutate('createApiToken', { name, role: 'BACKUP_READER', expiresAt }, 'token');
  const server = { HOLDFAST_SERVER: fleet.server.addresses.http, HOLDFAST_TOKEN: token };
  return runProgram('holdfast', ['vault', 'list'], server);
}

describe.runIf(canMount)('a disk', () => {
  it("of a vault's store that is full fails the backup with that reason, and loses nothing", async () => {
    const disk = fleet.disk('stores');
    disk.fill();
    expect(await spaceIsLow()).toEqual([true, ['space']]);
    expect((await vaultList()).stdout).toMatch(/^The store of vault is low on space: .* free\./m);
    const jobId = await failsAtFirst(/store is full/);
    await restoresAsItWas();
    expect(await waitForJob(fleet.api, jobId, PATIENCE)).toMatchObject({
      state: 'FAILED',
      recoveryPoint: null,
      error: { code: 'UNAVAILABLE', message: expect.stringMatching(/store is full: no space is left/) as string },
    });
    disk.makeRoom();
    expect(await spaceIsLow()).toEqual([false, []]);
    expect((await vaultList()).stdout).not.toContain('low on space');
    await recovers();
  });

  it("of a vault's store that is read-only is told as that, and the backup goes on once it can", async () => {
    const disk = fleet.disk('stores');
    disk.remount('ro');
    const jobId = await failsAtFirst(/store is read-only/);
    await restoresAsItWas();
    disk.remount('rw');
    await recovers(jobId);
  });

  it("of the agent's state that is full is told as that, and the backup goes on once it can", async () => {
    const disk = fleet.disk('agent-1');
    disk.fill();
    const jobId = await failsAtFirst(/agent's state folder .* full: make room/);
    await restoresAsItWas();
    disk.makeRoom();
    await recovers(jobId);
  });

  it('that a restore fills is told as that alone, and the same restore goes on once there is room', async () => {
    const root = fleet.newFolder('for-target');
    buildPlainTree(root, { files: 300, bytesEach: 40_000, large: 1 });
    // The other member of its group comes with the last folder.
    fs.linkSync(path.join(root, 'folder-0000', 'file-0'), path.join(root, 'folder-0002', 'linked'));
    const { recoveryPoint } = await fleet.backUp(await fleet.protect({ name: 'large', vaultId, root }));
    const disk = fleet.disk('target');
    const target = path.join(disk.folder, 'to');
    const restore = (onConflict: 'FAIL' | 'SKIP') =>
      fleet.restore({ recoveryPointId: recoveryPoint.id, path: target, base: root, onConflict });
    disk.fill(5 << 20);
    for (const onConflict of ['FAIL', 'SKIP'] as const) {
      expect(await restore(onConflict)).toMatchObject({
        state: 'FAILED',
        error: {
          code: 'FAILED_PRECONDITION',
          message: expect.stringMatching(/make room, and start the same restore again/),
        },
        notices: [],
      });
    }
    disk.makeRoom();
    expect(await restore('SKIP')).toMatchObject({ state: 'COMPLETED', progress: { entriesSkipped: '0' } });
    const privileged = process.getuid?.() === 0;
    expect(diffTrees(describeTree(root), describeTree(target), { privileged }).differences).toEqual([]);
  });

  it('that has no room for attributes keeps none back: the file comes with them once there is room', async () => {
    const root = fleet.newFolder('for-attributes');
    // Each needs a block of its own, and nothing else does.
    for (let index = 0; index < 600; index += 1) {
      const file = path.join(root, `file-${index}`);
      fs.writeFileSync(file, '');
      native.setAttribute(Buffer.from(file), 'user.large', Buffer.from(`${index} `.padEnd(700, 'x')));
    }
    const { recoveryPoint } = await fleet.backUp(await fleet.protect({ name: 'attributes', vaultId, root }));
    const disk = fleet.disk('target');
    const target = path.join(disk.folder, 'attributes');
    const restore = () => fleet.restore({ recoveryPointId: recoveryPoint.id, path: target, base: root });
    disk.fill(256 << 10);
    expect(await restore()).toMatchObject({
      state: 'FAILED',
      error: { code: 'FAILED_PRECONDITION', message: expect.stringMatching(/The target has no space left/) as string },
      notices: [],
    });
    disk.makeRoom();
    expect(await restore()).toMatchObject({ state: 'COMPLETED', notices: [] });
    const privileged = process.getuid?.() === 0;
    expect(diffTrees(describeTree(root), describeTree(target), { privileged }).differences).toEqual([]);
  });

  it("of the server's databases that is full is told to whoever asks for something, and loses nothing", async () => {
    const disk = fleet.disk('server');
    disk.fill();
    // What is free inside the files of the databases carries a few more transactions.
    const refused = await refusedAtLast(() =>
      fleet.api.mutate(
        'createPolicy',
        { ...POLICY, subscriptionId: fleet.subscriptionId, name: randomUUID() },
        'policy { id }',
      ),
    );
    expect(refused).toMatchObject({ code: 'UNAVAILABLE', reason: 'DATABASE_FULL' });
    expect(refused.message).toMatch(/disk that holds the server's database is full/);
    disk.makeRoom();
    await recovers();
  });
});

async function refusedAtLast(call: () => Promise<unknown>): Promise<ApiError> {
  for (let calls = 0; calls < 5_000; calls += 1) {
    try {
      await call();
    } catch (error) {
      if (error instanceof ApiError) return error;
      throw error;
    }
  }
  throw new Error('nothing was refused');
}
