import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Fleet } from '../kit/holdfast/fleet.js';
import { backUp, readJob, waitForJob } from '../kit/holdfast/jobs.js';
import { repository } from '../kit/holdfast/repository.js';
import { buildPlainTree } from '../kit/tree/build-tree.js';
import { describeTree } from '../kit/tree/describe-tree.js';
import { diffTrees } from '../kit/tree/diff-trees.js';

/** A pack flushes its file and its folder, which takes longer than a lease lasts. */
const FLUSH_MS = 16_000;
const LARGE_FILES = 1;
const PATIENCE_MS = 10 * 60_000;

let fleet: Fleet;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-slow-'));
const msFile = path.join(folder, 'ms');

beforeAll(async () => {
  const slow = pathToFileURL(path.join(repository, 'test', 'dist', 'kit', 'holdfast', 'flush-slowly.js'));
  fleet = await Fleet.start({
    environment: { NODE_OPTIONS: `--import=${slow.href}`, HOLDFAST_TEST_FLUSH_MS_FILE: msFile },
  });
});

afterAll(async () => {
  fs.rmSync(folder, { recursive: true });
  await fleet?.stop();
});

it('takes its time on a disk that is slow to flush, and keeps its lease and answers meanwhile', async () => {
  const source = fleet.newFolder('source');
  buildPlainTree(source, { files: 50, large: LARGE_FILES });
  const tree = describeTree(source);
  const vault = await fleet.createVault('vault');
  const item = await fleet.protect({ name: 'item', vaultId: vault.id, root: source });
  fs.writeFileSync(msFile, String(FLUSH_MS));
  const started = performance.now();
  const jobId = await backUp(fleet.api, item, 'FULL');
  let slowest = 0;
  const watching = setInterval(() => {
    const asked = performance.now();
    void readJob(fleet.api, jobId).then(() => {
      slowest = Math.max(slowest, performance.now() - asked);
    });
  }, 2_000);
  const job = await waitForJob(fleet.api, jobId, { timeoutMs: PATIENCE_MS }).finally(() => clearInterval(watching));

  expect(job).toMatchObject({ state: 'COMPLETED', error: null, previousAttemptError: null });
  expect(performance.now() - started).toBeGreaterThan(2 * FLUSH_MS);
  expect(slowest).toBeLessThan(2_000);
  fs.rmSync(msFile);
  const target = fleet.newFolder('target');
  await fleet.restore({ recoveryPointId: job.recoveryPoint.id, path: target, base: source });
  const privileged = process.geteuid?.() === 0;
  expect(diffTrees(tree, describeTree(target), { privileged }).differences).toEqual([]);
});
