import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Data } from '../kit/holdfast/api.js';
import { Fleet } from '../kit/holdfast/fleet.js';
import { backUp, readJob, waitForJob } from '../kit/holdfast/jobs.js';
import { buildPlainTree } from '../kit/tree/build-tree.js';
import { describeTree, type EntryDescription } from '../kit/tree/describe-tree.js';
import { diffTrees } from '../kit/tree/diff-trees.js';

const privileged = process.getuid?.() === 0;
const SETTLE_MS = 110_000;
let fleet: Fleet;
let source: string;
let itemId: string;
let committed: { pointId: string; tree: Map<string, EntryDescription> };

beforeAll(async () => {
  fleet = await Fleet.start();
  source = fleet.newFolder('source');
  buildPlainTree(source, { files: 300, large: 1 });
  const vault = await fleet.createVault('vault');
  itemId = await fleet.protect({ name: 'item', vaultId: vault.id, root: source });
  const tree = describeTree(source);
  const job = await fleet.backUp(itemId);
  committed = { pointId: job.recoveryPoint.id, tree };
});

afterAll(async () => {
  await fleet?.stop();
});

async function restoresAsItWas(pointId: string, tree: Map<string, EntryDescription>): Promise<void> {
  const target = path.join(fleet.folder, 'restored');
  const restore = await fleet.restore({ recoveryPointId: pointId, path: target, base: source });
  expect(restore).toMatchObject({ state: 'COMPLETED' });
  expect(diffTrees(tree, describeTree(target), { privileged }).differences).toEqual([]);
  fs.rmSync(target, { recursive: true });
}

/** Starts a backup of 130 MiB of new data and waits until some of it is in the store. */
async function startLargeBackup(round: string): Promise<string> {
  fs.rmSync(path.join(source, 'new'), { recursive: true, force: true });
  buildPlainTree(path.join(source, 'new', round), { files: 200, large: 16 });
  const jobId = await backUp(fleet.api, itemId, 'FULL');
  await expect
    .poll(async () => Number((await readJob(fleet.api, jobId)).progress.bytesStored), { timeout: 60_000, interval: 20 })
    .toBeGreaterThan(16 << 20);
  return jobId;
}

/** Answers may be refused while a process is down; the job must come to an end all the same. */
async function settled(jobId: string): Promise<Data> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    try {
      return await waitForJob(fleet.api, jobId, { timeoutMs: deadline - performance.now() });
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

async function checkAfterCrash(jobId: string): Promise<void> {
  const job = await settled(jobId);
  if (job.state === 'FAILED') expect(job.error.message).toMatch(/\w{3}/);
  else expect(job.state).toBe('COMPLETED');

  const tree = describeTree(source);
  const next = await fleet.backUp(itemId, 'INCREMENTAL');
  expect(next).toMatchObject({ state: 'COMPLETED' });
  await restoresAsItWas(next.recoveryPoint.id, tree);
  if (job.recoveryPoint !== null) await restoresAsItWas(job.recoveryPoint.id, tree);
  await restoresAsItWas(committed.pointId, committed.tree);
}

describe('kill -9 in mid-backup', () => {
  it('of the agent: the job goes on or fails with its reason, and nothing committed is lost', async () => {
    const jobId = await startLargeBackup('agent');
    fleet.agent().process.kill('SIGKILL');
    await fleet.agent().process.exited;
    fleet.agent().start();
    await fleet.agent().waitUntilOnline(fleet.api);
    await checkAfterCrash(jobId);
  });

  it('of the gateway: the job goes on or fails with its reason, and nothing committed is lost', async () => {
    const jobId = await startLargeBackup('gateway');
    process.kill(fleet.server.childPid('gateway'), 'SIGKILL');
    await checkAfterCrash(jobId);
  });

  it('of control: the job goes on or fails with its reason, and nothing committed is lost', async () => {
    const jobId = await startLargeBackup('control');
    process.kill(fleet.server.childPid('control'), 'SIGKILL');
    await checkAfterCrash(jobId);
  });

  it('of the whole server: it starts again on the same data, and nothing committed is lost', async () => {
    const jobId = await startLargeBackup('server');
    const pids = [fleet.server.process.pid, fleet.server.childPid('control'), fleet.server.childPid('gateway')];
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await fleet.server.process.exited;
    await fleet.server.start();
    await fleet.agent().waitUntilOnline(fleet.api);
    await checkAfterCrash(jobId);
  });
});
